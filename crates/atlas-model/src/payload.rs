//! The content of responses: JSON read leniently, nothing, or a file.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::answer::Body;
use crate::deviation::Deviation;
use crate::error_chain::debug_as_chain;
use crate::lenient;

/// The content of a response.
///
/// Implemented for every type that serde reads, and for [`Empty`] and [`Body`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a response",
    label = "this is not a type that serde reads",
    note = "derive `serde::Deserialize` for it, or use `Empty` or `Body`"
)]
pub trait Payload: Sized {
    /// Reads the content of a response leniently: a value of an unexpected type is left out and
    /// becomes a [`Deviation`].
    ///
    /// ```
    /// use atlas_model::Payload;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Widget {
    ///     name: Option<String>,
    ///     size: Option<i64>,
    /// }
    ///
    /// let (widget, deviations) = Widget::read(&br#"{"name": "a", "size": "large"}"#[..].into())?;
    /// assert_eq!((widget.name.as_deref(), widget.size), (Some("a"), None));
    /// assert_eq!(deviations[0].to_string(), "size: a string, expected an integer");
    /// # Ok::<(), atlas_model::Unfit>(())
    /// ```
    ///
    /// # Errors
    /// [`Unfit`] if the content is not JSON, or too many of its values are of an unexpected type.
    fn read(content: &Bytes) -> Result<(Self, Vec<Deviation>), Unfit>;
}

/// Content that cannot be read as the documented resource.
#[derive(Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{problem}")]
pub struct Unfit {
    problem: String,
}

debug_as_chain!(Unfit);

impl Unfit {
    pub(crate) fn new(problem: String) -> Self {
        Self { problem }
    }
}

impl<T: DeserializeOwned> Payload for T {
    fn read(content: &Bytes) -> Result<(Self, Vec<Deviation>), Unfit> {
        match serde_json::from_slice(content) {
            Ok(value) => Ok((value, Vec::new())),
            Err(error) => {
                let mut value = None;
                let deviations = lenient::mend(content, error, &mut |text| {
                    value = Some(serde_json::from_slice(text)?);
                    Ok(())
                })?;
                let value = value.ok_or_else(|| Unfit::new(String::new()))?;
                Ok((value, deviations))
            }
        }
    }
}

/// The response of an operation without content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Empty;

impl Payload for Empty {
    fn read(_: &Bytes) -> Result<(Self, Vec<Deviation>), Unfit> {
        Ok((Self, Vec::new()))
    }
}

impl Payload for Body {
    fn read(content: &Bytes) -> Result<(Self, Vec<Deviation>), Unfit> {
        Ok((Self(content.clone()), Vec::new()))
    }
}
