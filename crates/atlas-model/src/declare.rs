//! `operation!`: one declaration, from which metadata and both ends follow.

/// Declares an operation.
///
/// ```text
/// operation! {
///     /// One line on what it does.
///     pub struct Name {
///         path {
///             /// What it is.
///             project: ProjectId = "groupId",
///         }
///         query {
///             /// What it chooses.
///             items_per_page: ItemsPerPage = "itemsPerPage",
///         }
///         body request: RequestBody,
///     }
///     POST "/api/atlas/v2/groups/{groupId}/thing" => OK Resource;
///     id "operationId", short "shortId", tag "Tag";
///     versions {
///         2023-01-01 sunset 2026-01-22,
///     }
///     role "Project Owner";
///     successor "otherOperationId";
///     without pretty;
/// }
/// ```
///
/// `query`, `header`, `body`, `role`, `successor` and `without pretty` may be left out; `header`
/// has the form of `query`. A path whose `{names}` are not exactly the declared ones does not
/// compile.
macro_rules! operation {
    (
        #[doc = $summary:literal]
        $(#[$doc:meta])*
        pub struct $name:ident {
            path {
                $(
                    #[doc = $parameter_summary:literal]
                    $(#[$parameter_doc:meta])*
                    $parameter:ident: $parameter_type:ty = $wire:literal,
                )*
            }
            $( query {
                $(
                    #[doc = $query_summary:literal]
                    $query:ident: $query_type:ty = $query_wire:literal,
                )*
            } )?
            $( header {
                $(
                    #[doc = $header_summary:literal]
                    $header:ident: $header_type:ty = $header_wire:literal,
                )*
            } )?
            $( body $body:ident: $body_type:ty, )?
        }
        $method:ident $path:literal => $success:ident $response:ty;
        id $id:literal, short $short:literal, tag $tag:literal;
        versions {
            $( $year:literal - $month:literal - $day:literal
               $( sunset $sunset_year:literal - $sunset_month:literal - $sunset_day:literal )?, )+
        }
        $( role $role:literal; )?
        $( successor $successor:literal; )?
        $( without $without:ident; )?
    ) => {
        #[doc = $summary]
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $(
                #[doc = $parameter_summary]
                $(#[$parameter_doc])*
                pub $parameter: $parameter_type,
            )*
            $( $(
                #[doc = $query_summary]
                pub $query: Option<$query_type>,
            )* )?
            $( $(
                #[doc = $header_summary]
                pub $header: Option<$header_type>,
            )* )?
            $(
                /// The body.
                pub $body: $body_type,
            )?
        }

        impl $name {
            /// Takes what the operation requires.
            #[allow(clippy::new_without_default, reason = "most operations require something")]
            pub fn new($($parameter: $parameter_type,)* $($body: $body_type)?) -> Self {
                Self {
                    $( $parameter, )*
                    $( $( $query: None, )* )?
                    $( $( $header: None, )* )?
                    $( $body )?
                }
            }
        }

        const _: () = assert!(
            $crate::declare::path_names_are($path, &[$($wire),*]),
            "the path's names and the declared parameters differ"
        );

        impl $crate::Operation for $name {
            const META: &'static $crate::OperationMeta = &$crate::OperationMeta {
                id: $id,
                short_id: $short,
                tag: $tag,
                summary: $summary.trim_ascii(),
                method: http::Method::$method,
                path: $path,
                path_parameters: &[$(
                    $crate::operation::Parameter::new(
                        $wire,
                        <$parameter_type as $crate::Patterned>::PATTERN,
                        $parameter_summary.trim_ascii(),
                    )
                ),*],
                query_parameters: &[$( $(
                    $crate::operation::Parameter::new(
                        $query_wire,
                        <$query_type as $crate::request::Chosen>::EXPECTED,
                        $query_summary.trim_ascii(),
                    )
                ),* )?],
                header_parameters: &[$( $(
                    $crate::operation::Parameter::new(
                        $header_wire,
                        <$header_type as $crate::request::Chosen>::EXPECTED,
                        $header_summary.trim_ascii(),
                    )
                ),* )?],
                pretty: $crate::declare::operation!(@with $($without)?),
                body: $crate::declare::operation!(@body $($body)?),
                success: http::StatusCode::$success,
                #[allow(clippy::zero_prefixed_literal, reason = "dates are written as dates")]
                versions: &[$(
                    $crate::operation::Version::new(
                        jiff::civil::Date::constant($year, $month, $day),
                        $crate::declare::operation!(
                            @sunset $($sunset_year, $sunset_month, $sunset_day)?
                        ),
                    )
                ),+],
                role: $crate::declare::operation!(@optional $($role)?),
                successor: $crate::declare::operation!(@optional $($successor)?),
            };

            type Response = $response;

            fn encode(&self, out: &mut $crate::RequestWriter) -> Result<(), $crate::BuildError> {
                $( out.path($wire, &self.$parameter); )*
                $( $( out.query($query_wire, self.$query.as_ref()); )* )?
                $( $( out.header($header_wire, self.$header.as_ref()); )* )?
                $( out.body(&self.$body)?; )?
                Ok(())
            }

            fn decode(request: &$crate::RequestReader<'_>) -> Result<Self, $crate::RequestError> {
                Ok(Self {
                    $( $parameter: request.path($wire)?, )*
                    $( $( $query: request.query($query_wire)?, )* )?
                    $( $( $header: request.header($header_wire)?, )* )?
                    $( $body: request.body()?, )?
                })
            }
        }
    };
    (@body) => { false };
    (@body $body:ident) => { true };
    (@with) => { true };
    (@with pretty) => { false };
    (@sunset) => { None };
    (@sunset $year:literal, $month:literal, $day:literal) => {
        Some(jiff::civil::Date::constant($year, $month, $day))
    };
    (@optional) => { None };
    (@optional $text:literal) => { Some($text) };
}

pub(crate) use operation;

/// Whether the `{names}` of a path template are exactly `names`, in any order.
pub(crate) const fn path_names_are(template: &str, names: &[&str]) -> bool {
    let bytes = template.as_bytes();
    let mut found = 0;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'{' {
            found += 1;
        }
        at += 1;
    }
    if found != names.len() {
        return false;
    }
    let mut index = 0;
    while index < names.len() {
        if !has_name(bytes, names[index].as_bytes()) {
            return false;
        }
        index += 1;
    }
    true
}

/// Whether `{name}` stands in a path template.
const fn has_name(template: &[u8], name: &[u8]) -> bool {
    let mut start = 0;
    while start + name.len() + 1 < template.len() {
        if template[start] == b'{' && template[start + name.len() + 1] == b'}' {
            let mut at = 0;
            while at < name.len() && template[start + 1 + at] == name[at] {
                at += 1;
            }
            if at == name.len() {
                return true;
            }
        }
        start += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::path_names_are;

    #[test]
    fn a_path_and_its_parameters_must_name_the_same() {
        assert!(path_names_are("/a/{b}/c/{de}", &["de", "b"]));
        assert!(path_names_are("/a", &[]));
        assert!(!path_names_are("/a/{b}", &[]));
        assert!(!path_names_are("/a/{b}", &["c"]));
        assert!(!path_names_are("/a/{b}", &["b", "c"]));
        assert!(!path_names_are("/a/{bb}", &["b"]));
        assert!(!path_names_are("/a/b", &["b"]));
        assert!(!path_names_are("/a/{b", &["b"]));
    }
}
