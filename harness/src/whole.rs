//! How is a file written whole, or not at all?
//!
//! Beside its place, and then it is given its name: whoever reads it meanwhile, or has too little room for it, finds what was
//! there before. Pipes, devices and what is open already have no such place: they are written to as they are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// Writes a file; one that is there is replaced, and keeps who may read it.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let Some(place) = place(file)? else { return fs::write(file, bytes) };
    let beside = written(beside(&place)?, bytes)?;
    if let Ok(there) = fs::metadata(&place)
        && there.permissions() != beside.as_file().metadata()?.permissions()
    {
        beside.as_file().set_permissions(there.permissions())?;
    }
    beside.persist(place).map(drop).map_err(|failed| failed.error)
}

/// Writes a file that must not be there.
pub(crate) fn write_new(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = written(beside(file)?, bytes)?;
    beside.persist_noclobber(file).map(drop).map_err(|failed| failed.error)
}

/// Whether [`write()`] finds a place for a file; nothing is changed.
pub(crate) fn check(file: &Path) -> io::Result<()> {
    place(file)?.map_or(Ok(()), |place| beside(&place).map(drop))
}

/// Where the file lies that is written beside its place; nothing for what is written to as it is.
fn place(file: &Path) -> io::Result<Option<PathBuf>> {
    match fs::metadata(file) {
        Ok(there) if !there.is_file() && !there.is_dir() => Ok(None),
        // Standard output is a file where somebody sends it to one.
        Ok(_) if OPEN_ALREADY.iter().any(|open| file.starts_with(open)) => Ok(None),
        Ok(_) => {
            // What may not be written to may not be replaced.
            OpenOptions::new().append(true).open(file)?;
            fs::canonicalize(file).map(Some)
        }
        // A link to a file that is not there yet stays a link.
        Err(_) if file.is_symlink() => Ok(None),
        Err(_) => Ok(Some(file.to_owned())),
    }
}

/// A file in the folder of another, which goes when it is dropped.
fn beside(place: &Path) -> io::Result<NamedTempFile> {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Opened here for its rights, which are those of every file, and for errors that do not tell of its name.
    let open = |path: &Path| File::create_new(path);
    Builder::new().prefix(".failover-").make_in(folder, open)
}

fn written(mut beside: NamedTempFile, bytes: &[u8]) -> io::Result<NamedTempFile> {
    beside.as_file_mut().write_all(bytes)?;
    Ok(beside)
}

/// Where names for what is open lie.
const OPEN_ALREADY: [&str; 4] = ["/dev/fd", "/dev/stderr", "/dev/stdout", "/proc"];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("report");
        check(&file).expect("it can be written");
        assert_eq!(names(folder.path()), Vec::<String>::new());
        write(&file, b"old").expect("it is written");
        write(&file, b"other").expect("it is replaced");
        assert_eq!(fs::read(&file).expect("it is there"), b"other");
        let refused = write_new(&file, b"third").expect_err("it is there");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(folder.path()), ["report"]);
        assert_eq!(fs::read(&file).expect("it is there"), b"other");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_rights_stay_as_they_are() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("report"), folder.path().join("link"));
        symlink("report", &link).expect("a link");
        write(&link, b"made").expect("what it leads to is made");
        let mode = |file: &Path| fs::metadata(file).expect("it is there").permissions().mode() & 0o777;
        let usual = folder.path().join("usual");
        fs::write(&usual, b"").expect("a file");
        write_new(&folder.path().join("own"), b"").expect("a file");
        assert_eq!(mode(&folder.path().join("own")), mode(&usual));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("it is ours");
        write(&link, b"replaced").expect("what it leads to is replaced");
        assert!(link.is_symlink());
        assert_eq!((fs::read(&file).expect("it is there"), mode(&file)), (b"replaced".to_vec(), 0o640));
    }

    #[test]
    fn a_folder_and_what_lies_in_none_are_refused_as_they_always_were() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = check(&folder.path().join("none/report")).expect_err("no such folder");
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
        assert!(!refused.to_string().contains("failover"), "{refused}");
        assert!(check(folder.path()).is_err());
    }
}
