//! A body that keeps its request from counting as served until it is written or given up.
//!
//! A streamed answer may take as long as its function, and its connection is not idle meanwhile.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::connection::Served;

/// A body and the request that it answers.
#[derive(Debug)]
pub(super) struct Held {
    body: Body,
    _served: Served,
}

impl Held {
    pub(super) fn new(body: Body, served: Served) -> Self {
        Self { body, _served: served }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
