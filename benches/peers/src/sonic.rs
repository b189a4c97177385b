//! The same types as [`typed`](crate::typed), read by `sonic-rs`.

use crate::{Answer, typed::read};

/// Tries the success, then the error.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let accepted = || sonic_rs::from_slice(body).ok();
    read(status, accepted, || sonic_rs::from_slice(body).ok(), show);
}
