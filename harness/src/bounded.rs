//! How is a file read that may be of any size?
//!
//! Somebody may name a disk image in place of a snapshot: it is refused, and not taken into memory.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// What files that people write, and short ones, have at most.
pub(crate) const MOST: u64 = 64 << 20;

/// The bytes of a file.
pub(crate) fn read_file(file: &Path, most: u64) -> Result<Vec<u8>, Error> {
    read(File::open(file)?, most)
}

/// The bytes of a file with at most [`MOST`], as UTF-8 text.
pub(crate) fn read_text(file: &Path) -> Result<String, Error> {
    text(read_file(file, MOST)?)
}

/// Everything that is left to be read.
pub(crate) fn read(from: impl Read, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it has more than {} MiB", most >> 20)));
    }
    Ok(bytes)
}

/// Bytes that must be UTF-8.
pub(crate) fn text(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "it is no UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_is_refused_and_what_is_as_long_is_read() {
        assert_eq!(read(&b"1234"[..], 4).expect("as long").len(), 4);
        assert_eq!(read(&b"12345"[..], 4).expect_err("longer").kind(), ErrorKind::FileTooLarge);
        assert_eq!(text(vec![0xFF]).expect_err("no text").kind(), ErrorKind::InvalidData);
    }
}
