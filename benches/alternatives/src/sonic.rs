//! The same types as [`typed`](crate::typed), read by `sonic-rs`.

use crate::{
    Answer,
    typed::{read, show_batch},
};

/// Tries the success, then the error.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let accepted = || sonic_rs::from_slice(body).ok();
    read(status, accepted, || sonic_rs::from_slice(body).ok(), show);
}

/// Reads a batch that was accepted.
pub fn batch_answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    show_batch(status, sonic_rs::from_slice(body).ok(), show);
}
