//! Who made spans.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;

/// Who made spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The platform.
    Platform,
    /// A library inside the function, which sent a segment document.
    Document,
}

impl Scope {
    /// How OpenTelemetry names it.
    pub(super) fn instrumentation(self) -> InstrumentationScope {
        let name = match self {
            Self::Platform => "kubelambda",
            Self::Document => "aws.xray",
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        InstrumentationScope { name: name.to_owned(), version, ..InstrumentationScope::default() }
    }
}
