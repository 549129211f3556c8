//! Operations: lookup in the index, and access to their details.

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use crate::check::format::is_date;
use crate::data;
use crate::details::{Body, Details, Parameter, Version, Watch};
use crate::overrides::OVERRIDES;
use crate::schema::{Schema, SchemaRef};
use crate::suggest;
use http::Method;

/// One operation of the API.
///
/// A small handle into the embedded facts; cheap to copy. Compared and ordered by tag and short id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(u16);

/// A tag: a documented group of operations.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u8);

impl Tag {
    /// Returns all tags, by name.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..data::tag_count()).map(|number| Self(u8::try_from(number).unwrap_or(u8::MAX)))
    }

    /// Finds a tag by its documented name (`Flex Clusters`) or its camel-case one (`flexClusters`).
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|tag| tag.camel_case() == name || tag.name() == name)
    }

    /// Returns the documented name, such as `Flex Clusters`.
    pub fn name(self) -> &'static str {
        data::tag(self.0.into()).name
    }

    /// Returns the name in camel case, such as `flexClusters`.
    pub fn camel_case(self) -> &'static str {
        data::tag(self.0.into()).camel
    }

    /// Returns the operations of this tag, by short id.
    pub fn operations(self) -> impl ExactSizeIterator<Item = Operation> {
        let record = data::tag(self.0.into());
        (record.first..record.first + record.count).map(Operation)
    }

    /// Finds the operation of this tag with a short id, an id or a former id.
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

    /// Returns all operations, by tag and short id.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..data::operation_count()).map(Self::number)
    }

    /// Finds an operation by its id (`getGroupCluster`), by a former id (`listProjects`), or by tag
    /// and short id (`clusters.getCluster`).
    ///
    /// A current id takes precedence over a former one.
    pub fn find(name: &str) -> Option<Self> {
        if let Some((tag, short)) = name.split_once('.') {
            return Tag::find(tag)?
                .operations()
                .find(|one| one.short_id() == short);
        }
        let found = search(data::operation_count(), name, |place| {
            data::id(data::by_id(place))
        });
        if let Some(place) = found {
            return Some(Self::number(data::by_id(place)));
        }
        let place = search(data::former_count(), name, |place| data::former(place).0)?;
        Some(Self::number(data::former(place).1))
    }

    /// Returns names that are close to an unknown one, the closest first: ids, former ids, and
    /// short ids with their tag.
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

    /// Returns the operation's id, such as `getGroupCluster`.
    pub fn id(self) -> &'static str {
        data::id(self.0.into())
    }

    /// Returns the name that is unique within its tag, such as `getCluster`; the id if there is
    /// none.
    pub fn short_id(self) -> &'static str {
        data::operation(self.0.into()).short
    }

    /// Returns its former ids, in alphabetical order.
    pub fn former_ids(self) -> impl Iterator<Item = &'static str> {
        (0..data::former_count())
            .map(data::former)
            .filter(move |(_, number)| *number == usize::from(self.0))
            .map(|(id, _)| id)
    }

    /// Returns its tag.
    pub fn tag(self) -> Tag {
        Tag(data::operation(self.0.into()).tag)
    }

    /// Returns the HTTP method.
    pub fn method(self) -> Method {
        match data::operation(self.0.into()).method {
            0 => Method::GET,
            1 => Method::POST,
            2 => Method::PUT,
            3 => Method::PATCH,
            _ => Method::DELETE,
        }
    }

    /// Returns the path with parameters in braces, such as
    /// `/api/atlas/v2/groups/{groupId}/clusters`.
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

    /// Whether it is documented as deprecated.
    pub fn is_deprecated(self) -> bool {
        data::operation(self.0.into()).flags & 1 != 0
    }

    /// Whether it needs no authentication.
    pub fn is_open(self) -> bool {
        data::operation(self.0.into()).flags & 2 != 0
    }

    /// Returns the documented roles, any one of which is sufficient. They are minima, so a role
    /// that [includes](crate::Role::includes) one of them is sufficient too. Empty if no role is
    /// required.
    pub fn roles(self) -> &'static [String] {
        &self.details().roles
    }

    /// Returns the parameters, in documented order.
    pub fn parameters(self) -> &'static [Parameter] {
        &self.details().parameters
    }

    /// Returns the parameter with this name.
    pub fn parameter(self, name: &str) -> Option<&'static Parameter> {
        self.parameters().iter().find(|one| one.name == name)
    }

    /// Whether it accepts a request body.
    pub fn body(self) -> Body {
        match self.details().body.as_deref() {
            Some("required") => Body::Required,
            Some(_) => Body::Optional,
            None => Body::None,
        }
    }

    /// Returns the documented statuses of errors.
    pub fn errors(self) -> &'static [u16] {
        &self.details().errors
    }

    /// Returns the versions, oldest first, `preview` last.
    pub fn versions(self) -> &'static [Version] {
        &self.details().versions
    }

    /// Returns the version that responds to a request for `asked`: the newest one that is not
    /// newer, or the newest stable one for `None`.
    ///
    /// `preview` is a separate version, which responds without being requested only if the
    /// operation has no stable version. `None` if there is no such version.
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

    /// Returns the sunset date of its newest version, as `YYYY-MM-DD`; no version works after it.
    pub fn sunset(self) -> Option<&'static str> {
        self.version(None)?.sunset.as_deref()
    }

    /// Returns the operation to use instead, if this one has a sunset date.
    pub fn successor(self) -> Option<Self> {
        Self::find(OVERRIDES.successors.get(self.id())?)
    }

    /// Returns the request to poll until the change is complete, if it is known.
    pub fn watch(self) -> Option<&'static Watch> {
        self.details().watch.as_ref()
    }

    /// Whether its responses are pages of a list: a `GET` with page parameters whose response has
    /// `results`. Follow the links of such a list.
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

impl SchemaRef {
    /// Returns the referenced schema.
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
