//! An S3 server on loopback that behaves as S3 documents, unless a test changes that.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// The path as sent.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: usize,
}

impl Asked {
    pub(crate) fn is_part(&self) -> bool {
        self.query.contains("partNumber=")
    }

    pub(crate) fn is_completion(&self) -> bool {
        self.method == Method::POST && self.query.starts_with("uploadId=")
    }
}

/// The behavior of the server in a test.
pub(crate) enum Instead {
    /// The documented behavior.
    Nothing,
    /// Another response; the request has no effect.
    Answer(Response<Bytes>),
    /// The request has its effect, but the response is lost.
    Lose,
    /// The response follows when this is done.
    After(Pin<Box<dyn Future<Output = ()> + Send>>),
}

type Script = dyn FnMut(&Asked, &mut State) -> Instead + Send;

#[derive(Default)]
pub(crate) struct State {
    /// By path as sent.
    pub(crate) objects: BTreeMap<String, Bytes>,
    uploads: BTreeMap<String, BTreeMap<u32, Bytes>>,
    pub(crate) asked: Vec<Asked>,
    begun: usize,
}

pub(crate) struct S3 {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    /// Its connections end with it.
    _runtime: tokio::task::JoinHandle<()>,
}

/// A server with the documented behavior.
pub(crate) async fn s3() -> S3 {
    scripted(|_, _| Instead::Nothing).await
}

pub(crate) async fn scripted(
    script: impl FnMut(&Asked, &mut State) -> Instead + Send + 'static,
) -> S3 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let state = Arc::new(Mutex::new(State::default()));
    let script: Arc<Mutex<Box<Script>>> = Arc::new(Mutex::new(Box::new(script)));
    let shared = state.clone();
    let runtime = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (state, script) = (shared.clone(), script.clone());
            tokio::spawn(async move {
                let service =
                    service_fn(move |request| answer(state.clone(), script.clone(), request));
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    S3 {
        url,
        state,
        _runtime: runtime,
    }
}

impl S3 {
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    pub(crate) fn object(&self, path: &str) -> Option<Bytes> {
        self.state.lock().unwrap().objects.get(path).cloned()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.state.lock().unwrap().objects.keys().cloned().collect()
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let text = Bytes::copy_from_slice(text.as_bytes());
        self.state
            .lock()
            .unwrap()
            .objects
            .insert(path.to_owned(), text);
    }

    pub(crate) fn remove(&self, path: &str) {
        self.state.lock().unwrap().objects.remove(path);
    }

    /// The number of multipart uploads that were started, and of those that are open.
    pub(crate) fn uploads(&self) -> (usize, usize) {
        let state = self.state.lock().unwrap();
        (state.begun, state.uploads.len())
    }

    /// Settings for this server.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let settings = [
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret-of-the-test"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_ALLOW_HTTP", "true"),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        settings.map(owned).to_vec()
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    script: Arc<Mutex<Box<Script>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    // A client that disconnects in the middle of its body has sent no request.
    let body = body.unwrap_or_default();
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        bytes: body.len(),
    };
    let instead = {
        let mut state = state.lock().unwrap();
        state.asked.push(asked.clone());
        (script.lock().unwrap())(&asked, &mut state)
    };
    let response = match instead {
        Instead::Nothing => state.lock().unwrap().take(&asked, body),
        Instead::Answer(response) => response,
        Instead::Lose => {
            state.lock().unwrap().take(&asked, body);
            said(502, "")
        }
        Instead::After(done) => {
            done.await;
            state.lock().unwrap().take(&asked, body)
        }
    };
    Ok(response.map(Full::new))
}

/// A response with a text.
pub(crate) fn said(status: u16, text: &str) -> Response<Bytes> {
    let text = Bytes::copy_from_slice(text.as_bytes());
    Response::builder().status(status).body(text).unwrap()
}

fn error(status: u16, code: &str) -> Response<Bytes> {
    said(
        status,
        &format!("<Error><Code>{code}</Code><Message>Said so.</Message></Error>"),
    )
}

impl State {
    /// The objects of a bucket under a prefix, as S3 lists them.
    fn listing(&self, bucket: &str, prefix: &str) -> String {
        let objects = self.objects.iter().filter_map(|(path, object)| {
            let key = path.strip_prefix(bucket)?;
            let size = object.len();
            key.starts_with(prefix).then(|| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2026-10-21T07:28:00.000Z\
                     </LastModified><ETag>\"tag\"</ETag><Size>{size}</Size></Contents>"
                )
            })
        });
        let objects: String = objects.collect();
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>")
    }

    fn take(&mut self, asked: &Asked, body: Bytes) -> Response<Bytes> {
        let path = asked.path.clone();
        let parameter = |name: &str| {
            let mut pairs = asked
                .query
                .split('&')
                .filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(given, _)| *given == name)
                .map(|(_, value)| value.to_owned())
        };
        let is_taken =
            asked.headers.contains_key("if-none-match") && self.objects.contains_key(&path);
        let tagged = |body| {
            Response::builder()
                .header("etag", "\"tag\"")
                .body(body)
                .unwrap()
        };
        match (&asked.method, parameter("uploadId")) {
            (&Method::POST, None) => {
                self.begun += 1;
                let id = format!("upload-{}", self.begun);
                self.uploads.insert(id.clone(), BTreeMap::new());
                said(
                    200,
                    &format!(
                        "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                    ),
                )
            }
            (&Method::PUT, Some(id)) => match self.uploads.get_mut(&id) {
                Some(parts) => {
                    parts.insert(parameter("partNumber").unwrap().parse().unwrap(), body);
                    tagged(Bytes::new())
                }
                None => error(404, "NoSuchUpload"),
            },
            (&Method::POST, Some(_)) | (&Method::PUT, None) if is_taken => {
                error(412, "PreconditionFailed")
            }
            (&Method::POST, Some(id)) => match self.uploads.remove(&id) {
                Some(parts) => {
                    let whole: Vec<u8> = parts.into_values().flatten().collect();
                    self.objects.insert(path, whole.into());
                    said(
                        200,
                        "<CompleteMultipartUploadResult><ETag>tag</ETag></CompleteMultipartUploadResult>",
                    )
                }
                None => error(404, "NoSuchUpload"),
            },
            (&Method::DELETE, Some(id)) => match self.uploads.remove(&id) {
                Some(_) => said(204, ""),
                None => error(404, "NoSuchUpload"),
            },
            (&Method::PUT, None) => {
                self.objects.insert(path, body);
                tagged(Bytes::new())
            }
            (&Method::DELETE, None) => {
                self.objects.remove(&path);
                said(204, "")
            }
            (&Method::GET, _) if asked.query.contains("list-type=2") => {
                let prefix = parameter("prefix").unwrap_or_default().replace("%2F", "/");
                said(200, &self.listing(&format!("{path}/"), &prefix))
            }
            (&Method::HEAD | &Method::GET, _) => match self.objects.get(&path) {
                Some(object) => {
                    let is_head = asked.method == Method::HEAD;
                    let length = object.len();
                    let body = if is_head {
                        Bytes::new()
                    } else {
                        object.clone()
                    };
                    let mut response = tagged(body);
                    let headers = response.headers_mut();
                    headers.insert("content-length", length.into());
                    let moment = "Wed, 21 Oct 2026 07:28:00 GMT";
                    headers.insert("last-modified", moment.parse().unwrap());
                    response
                }
                None => said(404, ""),
            },
            _ => error(405, "MethodNotAllowed"),
        }
    }
}
