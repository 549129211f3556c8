//! An operation: what the index says of it, and its details.

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use http::Method;
use serde::Deserialize;

use crate::data;
use crate::overrides::OVERRIDES;
use crate::schema::{Schema, SchemaRef};
use crate::suggest;

/// One operation of the API.
///
/// A small handle into the embedded facts; cheap to copy. Comparing and ordering go by tag and
/// short id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(u16);

/// A group of operations, as the documentation has them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u8);

impl Tag {
    /// All tags, by name.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..data::tag_count()).map(|number| Self(u8::try_from(number).unwrap_or(u8::MAX)))
    }

    /// Finds a tag by its documented name (`Flex Clusters`) or its camel-case one (`flexClusters`).
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|tag| tag.camel_case() == name || tag.name() == name)
    }

    /// The name that the documentation uses, such as `Flex Clusters`.
    pub fn name(self) -> &'static str {
        data::tag(self.0.into()).name
    }

    /// The name in camel case, such as `flexClusters`.
    pub fn camel_case(self) -> &'static str {
        data::tag(self.0.into()).camel
    }

    /// The operations of this tag, by short id.
    pub fn operations(self) -> impl ExactSizeIterator<Item = Operation> {
        let record = data::tag(self.0.into());
        (record.first..record.first + record.count).map(Operation)
    }

    /// The operation of this tag with a short id, an id or a former id.
    pub fn operation(self, name: &str) -> Option<Operation> {
        self.operations()
            .find(|operation| operation.short_id() == name)
            .or_else(|| Operation::find(name).filter(|operation| operation.tag() == self))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.camel_case())
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Operation {
    pub(crate) fn number(number: usize) -> Self {
        Self(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// All operations, by tag and short id.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..data::operation_count()).map(Self::number)
    }

    /// Finds an operation by its id (`getGroupCluster`), by an id it had before (`getCluster`), or
    /// by tag and short id (`clusters.getCluster`).
    ///
    /// A name that is one operation's id today finds that one, even if another one had it before.
    pub fn find(name: &str) -> Option<Self> {
        if let Some((tag, short)) = name.split_once('.') {
            return Tag::find(tag)?
                .operations()
                .find(|one| one.short_id() == short);
        }
        let found = search(data::operation_count(), name, |place| {
            data::operation(data::by_id(place)).id
        });
        if let Some(place) = found {
            return Some(Self::number(data::by_id(place)));
        }
        let place = search(data::former_count(), name, |place| data::former(place).0)?;
        Some(Self::number(data::former(place).1))
    }

    /// Names of operations that are close to one that is not known, the closest first: ids, former
    /// ids, and short ids with their tag.
    pub fn suggest(name: &str) -> Vec<String> {
        let short = name.rsplit_once('.').map_or(name, |(_, short)| short);
        let exact = Self::all().filter(|one| one.short_id() == short && one.id() != short);
        let mut names: Vec<String> = exact
            .take(3)
            .map(|one| format!("{}.{}", one.tag().camel_case(), one.short_id()))
            .collect();
        if !names.is_empty() {
            return names;
        }
        let ids = Self::all().map(Self::id);
        let former = (0..data::former_count()).map(|place| data::former(place).0);
        let shorts = Self::all().map(Self::short_id);
        for close in suggest::closest(short, ids.chain(former).chain(shorts)) {
            let known = match Self::find(close) {
                Some(_) => close.to_owned(),
                None => Self::all()
                    .find(|one| one.short_id() == close)
                    .map_or(close.to_owned(), |one| {
                        format!("{}.{close}", one.tag().camel_case())
                    }),
            };
            if names.len() < 3 && !names.contains(&known) {
                names.push(known);
            }
        }
        names
    }

    /// The operation's id, such as `getGroupCluster`.
    pub fn id(self) -> &'static str {
        data::operation(self.0.into()).id
    }

    /// The name that is unique within its tag, such as `getCluster`; the id where there is none.
    pub fn short_id(self) -> &'static str {
        data::operation(self.0.into()).short
    }

    /// The ids that it had before, in alphabetic order.
    pub fn former_ids(self) -> impl Iterator<Item = &'static str> {
        (0..data::former_count())
            .map(data::former)
            .filter(move |(_, number)| *number == usize::from(self.0))
            .map(|(id, _)| id)
    }

    /// The tag it belongs to.
    pub fn tag(self) -> Tag {
        Tag(data::operation(self.0.into()).tag)
    }

    /// The method.
    pub fn method(self) -> Method {
        match data::operation(self.0.into()).method {
            0 => Method::GET,
            1 => Method::POST,
            2 => Method::PUT,
            3 => Method::PATCH,
            _ => Method::DELETE,
        }
    }

    /// The path with its parameters in braces, such as `/api/atlas/v2/groups/{groupId}/clusters`.
    pub fn path(self) -> String {
        let mut path = String::new();
        for segment in self.segments() {
            path.push('/');
            path.push_str(segment);
        }
        path
    }

    pub(crate) fn segments(
        self,
    ) -> impl DoubleEndedIterator<Item = &'static str> + ExactSizeIterator {
        data::segments(&data::operation(self.0.into()))
    }

    /// Whether the documentation marks it as deprecated.
    pub fn is_deprecated(self) -> bool {
        data::operation(self.0.into()).flags & 1 != 0
    }

    /// Whether it answers without a login.
    pub fn is_open(self) -> bool {
        data::operation(self.0.into()).flags & 2 != 0
    }

    /// The documented roles: any one of them will do. They are minima, so a role that
    /// [includes](crate::Role::includes) one of them will do as well. Empty where any login will.
    pub fn roles(self) -> &'static [String] {
        &self.details().roles
    }

    /// The parameters, in documented order.
    pub fn parameters(self) -> &'static [Parameter] {
        &self.details().parameters
    }

    /// The parameter of this name.
    pub fn parameter(self, name: &str) -> Option<&'static Parameter> {
        self.parameters().iter().find(|one| one.name == name)
    }

    /// Whether it takes a request body.
    pub fn body(self) -> Body {
        match self.details().body.as_deref() {
            Some("required") => Body::Required,
            Some(_) => Body::Optional,
            None => Body::None,
        }
    }

    /// The documented statuses of errors.
    pub fn errors(self) -> &'static [u16] {
        &self.details().errors
    }

    /// The versions, oldest first, `preview` last.
    pub fn versions(self) -> &'static [Version] {
        &self.details().versions
    }

    /// The version that Atlas answers with if it is asked for `asked`: the newest one that is not
    /// newer; the newest stable one if none is asked for.
    ///
    /// `preview` is a version of its own, which only an operation without stable versions answers
    /// unasked. `None` if there is no such version.
    pub fn version(self, asked: Option<&str>) -> Option<&'static Version> {
        let versions = self.versions();
        let mut stable = versions.iter().filter(|version| !version.is_preview());
        match asked {
            None => stable.next_back().or_else(|| versions.last()),
            Some("preview") => versions.iter().find(|version| version.is_preview()),
            Some(date) if is_date(date) => stable.rfind(|version| version.name.as_str() <= date),
            Some(_) => None,
        }
    }

    /// The date from which no version answers any more, as `YYYY-MM-DD`: the sunset of its newest
    /// version.
    pub fn sunset(self) -> Option<&'static str> {
        self.version(None)?.sunset.as_deref()
    }

    /// The operation to use instead, once this one has ended or will end.
    pub fn successor(self) -> Option<Self> {
        Self::find(OVERRIDES.successors.get(self.id())?)
    }

    /// What to poll until the change it makes is complete, where that is known.
    pub fn watch(self) -> Option<&'static Watch> {
        self.details().watch.as_ref()
    }

    /// Whether its answers are pages of a list: a `GET` with page parameters whose answer has
    /// `results`. Such a list is followed by its links.
    pub fn is_paged(self) -> bool {
        self.method() == Method::GET
            && self.parameter("pageNum").is_some()
            && self.list_schema().is_some_and(|schema| {
                schema
                    .parts()
                    .any(|part| part.properties.contains_key("results"))
            })
    }

    fn list_schema(self) -> Option<&'static Schema> {
        self.version(None)?.response_schema("json")
    }

    fn details(self) -> &'static Details {
        static ALL: LazyLock<Box<[OnceLock<Details>]>> = LazyLock::new(|| {
            std::iter::repeat_with(OnceLock::new)
                .take(data::operation_count())
                .collect()
        });
        ALL[usize::from(self.0)].get_or_init(|| {
            let record = data::operation(self.0.into());
            serde_json::from_str(data::line(record.block, record.line))
                .expect("the embedded details fit their type")
        })
    }
}

/// Finds a name in a sorted table.
fn search(length: usize, name: &str, at: impl Fn(usize) -> &'static str) -> Option<usize> {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low.midpoint(high);
        match at(middle).cmp(name) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(middle),
        }
    }
    None
}

/// Whether a text has the form of a date, `YYYY-MM-DD`.
pub(crate) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// Whether an operation takes a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Body {
    /// It takes none.
    None,
    /// It may be left out.
    Optional,
    /// It must be there.
    Required,
}

/// What the index does not have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    #[serde(default)]
    roles: Vec<String>,
    parameters: Vec<Parameter>,
    body: Option<String>,
    errors: Vec<u16>,
    versions: Vec<Version>,
    watch: Option<Watch>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name on the wire.
    pub name: String,
    /// Where it stands.
    #[serde(rename = "in")]
    pub place: Place,
    /// Whether it must be given; those in the path always must.
    #[serde(default)]
    pub required: bool,
    /// Whether the documentation advises against it.
    #[serde(default)]
    pub deprecated: bool,
    /// What its value must be like.
    pub schema: Schema,
}

impl Parameter {
    /// Whether it may be given more than once (`a=1&a=2`).
    pub fn is_repeated(&self) -> bool {
        self.schema.resolve().items.is_some()
    }
}

/// Where a parameter stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header of its name.
    Header,
}

/// One version of an operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Version {
    /// The date, as `YYYY-MM-DD`, or `preview`.
    #[serde(rename = "version")]
    pub name: String,
    /// What is documented of a preview; such a version is called `preview`.
    pub preview: Option<Preview>,
    /// From which date on Atlas may not answer it any more, as `YYYY-MM-DD`.
    pub sunset: Option<String>,
    /// The request body by format; `json` is the only one today.
    #[serde(default)]
    request: Formats,
    responses: std::collections::BTreeMap<String, Formats>,
}

/// What is documented of a preview.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Preview {
    /// The feature that it belongs to.
    pub name: Option<String>,
}

/// A schema by format; `None` where the content has none.
type Formats = std::collections::BTreeMap<String, Option<Schema>>;

impl Version {
    /// Whether it is a preview, which can change at any time.
    pub fn is_preview(&self) -> bool {
        self.name == "preview"
    }

    /// The schema of the request body.
    pub fn request_schema(&self) -> Option<&Schema> {
        self.request.get("json")?.as_ref()
    }

    /// The documented statuses of success.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.responses
            .keys()
            .filter_map(|status| status.parse().ok())
    }

    /// The formats that an answer may have: `json`, `gzip`, `csv`.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        let mut formats: Vec<&str> = self
            .responses
            .values()
            .flat_map(|formats| formats.keys().map(String::as_str))
            .collect();
        formats.sort_unstable();
        formats.dedup();
        formats.into_iter()
    }

    /// The schema of an answer with a documented status and a format; of another status of
    /// success, the one that any documented one has.
    pub fn schema_of(&self, status: u16, format: &str) -> Option<&Schema> {
        match self.responses.get(&status.to_string()) {
            Some(formats) => formats.get(format)?.as_ref(),
            None => self.response_schema(format),
        }
    }

    /// The schema of a successful answer in a format, whatever its status.
    pub fn response_schema(&self, format: &str) -> Option<&Schema> {
        self.responses
            .values()
            .find_map(|formats| formats.get(format)?.as_ref())
    }

    /// Whether a documented status of success comes without content.
    pub fn is_bare(&self, status: u16) -> bool {
        self.responses
            .get(&status.to_string())
            .is_some_and(|formats| formats.values().all(Option::is_none))
    }
}

/// What to poll until a change is complete.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Watch {
    /// The id of the operation to poll.
    pub get: String,
    /// The version to poll it in.
    pub version: String,
    /// Its parameters: `input:NAME` is a parameter of the call, `body:PATH` a field of its answer.
    pub params: std::collections::BTreeMap<String, String>,
    /// What ends the wait well.
    pub until: Until,
    /// The values of the same field that end it badly.
    #[serde(default)]
    pub fail: Vec<String>,
}

/// What ends a wait.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Until {
    /// A status, such as 404 after a deletion.
    pub status: Option<u16>,
    /// The JSON path of a field.
    pub path: Option<String>,
    /// The values of the field that end the wait.
    #[serde(default)]
    pub values: Vec<String>,
}

impl SchemaRef {
    /// The schema that is meant.
    pub(crate) fn schema(self) -> &'static Schema {
        static ALL: LazyLock<Box<[OnceLock<Schema>]>> = LazyLock::new(|| {
            std::iter::repeat_with(OnceLock::new)
                .take(data::schema_count())
                .collect()
        });
        ALL[usize::from(self.0)].get_or_init(|| {
            serde_json::from_str(data::schema_line(self.0.into()))
                .expect("the embedded schemas fit their type")
        })
    }
}
