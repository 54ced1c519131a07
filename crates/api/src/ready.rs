//! Updates of market data that are encoded once, and then sent to whoever reads them as they are.
//!
//! On the wire a message of several updates is nothing but those updates one behind the other, so that a message may be
//! put together from bytes that others are sent too.

use crate::v1::MarketUpdate;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::encoding::{DecodeContext, WireType, message, skip_field};
use prost::{DecodeError, Message};

/// The number of `updates` in the contract.
const UPDATES: u32 = 1;

/// One or more updates, in order: of a message that was read as `updates`, of one to be sent `ready` as well.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubscribeResponse {
    /// Sent first, as they are.
    pub ready: Vec<Bytes>,
    pub updates: Vec<MarketUpdate>,
}

/// Appends an update to bytes that become part of a message.
pub fn append(bytes: &mut BytesMut, update: &MarketUpdate) {
    message::encode(UPDATES, update, bytes);
}

impl Message for SubscribeResponse {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        self.ready.iter().for_each(|bytes| buffer.put_slice(bytes));
        message::encode_repeated(UPDATES, &self.updates, buffer);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            UPDATES => message::merge_repeated(wire_type, &mut self.updates, buffer, context),
            _ => skip_field(wire_type, tag, buffer, context),
        }
    }

    fn encoded_len(&self) -> usize {
        let ready: usize = self.ready.iter().map(Bytes::len).sum();
        ready + message::encoded_len_repeated(UPDATES, &self.updates)
    }

    fn clear(&mut self) {
        self.ready.clear();
        self.updates.clear();
    }
}
