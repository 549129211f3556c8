//! An operation as the tests use it. There is little code for each type: one function reads it and
//! one writes it.

use std::fmt::Debug;
use std::str::FromStr;

use atlas_model::{
    BuildError, CallOptions, Deviation, Operation, OperationExt, OperationMeta, Payload, Unfit,
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

/// Reads content as a type, leniently, and writes it as JSON.
pub(crate) type Decode = fn(&Bytes) -> Result<(Value, Vec<Deviation>), Unfit>;

/// An operation.
pub(crate) struct Case {
    /// The module and the name of its type.
    pub(crate) rust: &'static str,
    pub(crate) meta: &'static OperationMeta,
    /// Reads its response, if it is JSON.
    pub(crate) answer: Option<Decode>,
    /// Reads its body, if it has one.
    pub(crate) body: Option<Decode>,
    /// Builds it with its constructor and setters, and converts it to a request.
    pub(crate) ask: fn(&Given) -> Result<http::Request<Bytes>, BuildError>,
}

pub(crate) const fn meta<O: Operation>() -> &'static OperationMeta {
    O::META
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "other rows of the table have None"
)]
pub(crate) const fn answer<O: Operation>() -> Option<Decode>
where
    O::Response: Serialize,
{
    Some(decode::<O::Response>)
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "other rows of the table have None"
)]
pub(crate) const fn body<O: Operation>() -> Option<Decode>
where
    O::Body: Payload,
{
    Some(decode::<O::Body>)
}

fn decode<T: Payload + Serialize>(content: &Bytes) -> Result<(Value, Vec<Deviation>), Unfit> {
    let (value, deviations) = T::read(content)?;
    let text = serde_json::to_vec(&value).unwrap();
    Ok((serde_json::from_slice(&text).unwrap(), deviations))
}

/// The inputs of a request.
pub(crate) struct Given {
    /// The values of each parameter by its name on the wire; several for a list.
    pub(crate) parameters: Vec<(String, Vec<String>)>,
    pub(crate) body: Bytes,
    /// Whether optional parts are left out.
    pub(crate) sparse: bool,
}

impl Given {
    fn texts(&self, name: &str) -> &[String] {
        let mut given = self.parameters.iter();
        &given.find(|(known, _)| known == name).unwrap().1
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        &self.texts(name)[0]
    }

    pub(crate) fn parsed<T: FromStr<Err: Debug>>(&self, name: &str) -> T {
        self.text(name).parse().unwrap()
    }

    pub(crate) fn list<T>(&self, name: &str, make: fn(&str) -> T) -> Vec<T> {
        self.texts(name).iter().map(|text| make(text)).collect()
    }

    pub(crate) fn body<T: Payload>(&self) -> T {
        T::read(&self.body).unwrap().0
    }

    #[allow(clippy::unused_self, reason = "rows of the table call it as a method")]
    pub(crate) fn ask<O: Operation>(&self, asked: &O) -> Result<http::Request<Bytes>, BuildError> {
        asked.to_request(&CallOptions::default())
    }
}
