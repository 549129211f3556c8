//! Authentication of a service account to the token endpoint (RFC 6749 section 2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use form_urlencoded::{Serializer, byte_serialize};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use secrecy::{ExposeSecret as _, SecretString};

use super::{AuthError, secret_header};

/// The way in which a service account's client id and secret are sent to the token endpoint
/// (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// In an `Authorization: Basic` header (`client_secret_basic`), which every server must support; the
    /// default.
    ///
    /// Id and secret are form-encoded first, as the section requires. This does not change those of
    /// Atlas; for others, a server that does not decode them needs [`Form`](Self::Form).
    #[default]
    Basic,
    /// In the form, as `client_id` and `client_secret` (`client_secret_post`): for a server, or a
    /// proxy before it, that drops or refuses the header. The sandbox accepts [`Basic`](Self::Basic)
    /// only.
    Form,
}

/// The client's credentials in a request to the token endpoint.
#[derive(Clone)]
pub(crate) enum ClientProof {
    /// An `Authorization` header.
    Header(HeaderValue),
    /// Encoded fields of the form.
    Form(SecretString),
}

impl ClientProof {
    pub(crate) fn new(
        how: ClientAuthentication,
        client_id: &str,
        client_secret: &SecretString,
    ) -> Result<Self, AuthError> {
        let secret = client_secret.expose_secret();
        Ok(match how {
            ClientAuthentication::Basic => {
                let basic = format!("Basic {}", basic_pair(client_id, secret));
                Self::Header(secret_header(&basic, "the client secret")?)
            }
            ClientAuthentication::Form => {
                let fields = [("client_id", client_id), ("client_secret", secret)];
                let form = Serializer::new(String::new()).extend_pairs(fields).finish();
                Self::Form(form.into())
            }
        })
    }

    /// Returns a request with a form, its target in origin form.
    pub(crate) fn request(&self, target: &'static str, form: &str) -> Request<Bytes> {
        let (form, authorization) = match self {
            Self::Header(basic) => (form.to_owned(), Some(basic.clone())),
            Self::Form(fields) => (format!("{form}&{}", fields.expose_secret()), None),
        };
        let mut request = Request::new(Bytes::from(form));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(target);
        let headers = request.headers_mut();
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form_type);
        request
    }
}

/// Returns the credentials of HTTP Basic.
pub(crate) fn basic_pair(client_id: &str, secret: &str) -> String {
    let pair = format!("{}:{}", form_encode(client_id), form_encode(secret));
    STANDARD.encode(pair)
}

/// Encodes a text for a form.
pub(crate) fn form_encode(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(how: ClientAuthentication, id: &str, secret: &str) -> ClientProof {
        ClientProof::new(how, id, &secret.into()).unwrap()
    }

    fn basic(id: &str, secret: &str) -> String {
        let ClientProof::Header(header) = proof(ClientAuthentication::Basic, id, secret) else {
            panic!("expected a header for Basic");
        };
        assert!(header.is_sensitive());
        let pair = header.to_str().unwrap().strip_prefix("Basic ").unwrap();
        String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap()
    }

    #[test]
    fn basic_form_encodes_id_and_secret_and_leaves_those_of_atlas_unchanged() {
        let (id, secret) = ("mdb_sa_id_32b6e34b", "mdb_sa_sk_aZ09-_.*");
        assert_eq!(basic(id, secret), format!("{id}:{secret}"));
        assert_eq!(basic("a:b", "s /+%\u{e9}:"), "a%3Ab:s+%2F%2B%25%C3%A9%3A");
    }

    #[test]
    fn the_form_has_id_and_secret_encoded_and_no_header() {
        let ClientProof::Form(form) = proof(ClientAuthentication::Form, "i d", "s&=+/\u{e9}")
        else {
            panic!("expected form fields");
        };
        let form = form.expose_secret();
        assert_eq!(form, "client_id=i+d&client_secret=s%26%3D%2B%2F%C3%A9");
        let request = proof(ClientAuthentication::Form, "a", "b").request("/t", "c=d");
        assert_eq!(request.body(), "c=d&client_id=a&client_secret=b");
        assert!(!request.headers().contains_key(AUTHORIZATION));
    }

    #[test]
    fn the_error_of_an_invalid_header_value_names_the_secret_without_its_value() {
        let error = secret_header("Bearer a\nb", "the access token").unwrap_err();
        let line = "the access token cannot be sent; check it for line breaks and other control characters";
        assert_eq!(error.to_string(), line);
        assert_eq!(format!("{error:?}"), line);
    }
}
