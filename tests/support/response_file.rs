//! The format of the response files.

/// Splits a response file into its HTTP status and its body: a status line, a blank line, raw bytes.
pub(crate) fn parse(file: &[u8]) -> Option<(u16, &[u8])> {
    let end = file.windows(2).position(|two| two == b"\n\n")?;
    let line = std::str::from_utf8(file.get(..end)?).ok()?;
    let status = line.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
    Some((status, file.get(end + 2..)?))
}
