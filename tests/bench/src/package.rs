//! What is deployed? A function's package: its size, and the one program in it.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use zip::ZipArchive;

/// A function's package, unpacked.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    /// How large the zip is.
    pub(crate) zip_bytes: u64,
    /// The program that Lambda starts.
    pub(crate) bootstrap: PathBuf,
}

impl Package {
    /// Unpacks a zip into a directory. A zip that holds anything but one executable `bootstrap` is an error.
    pub(crate) fn unpack(zip: &Path, into: &Path) -> Result<Self> {
        let file = File::open(zip)
            .with_context(|| format!("there is no package {}: run `make build`", zip.display()))?;
        let zip_bytes = file.metadata()?.len();
        let mut archive =
            ZipArchive::new(file).with_context(|| format!("{} is no package", zip.display()))?;
        let names =
            archive.file_names().map(|name| Ok(name?.into_owned())).collect::<Result<Vec<String>>>()?;
        ensure!(names == ["bootstrap"], "{} must hold `bootstrap` alone, and holds {names:?}", zip.display());
        let mut entry = archive.by_name("bootstrap")?;
        let mode = entry.unix_mode().unwrap_or(0);
        ensure!(
            mode & 0o111 == 0o111,
            "the bootstrap in {} is not executable: its mode is {mode:o}",
            zip.display()
        );
        std::fs::create_dir_all(into)?;
        let bootstrap = into.join("bootstrap");
        let mut program = File::create(&bootstrap)?;
        std::io::copy(&mut entry, &mut program)?;
        program.set_permissions(Permissions::from_mode(0o755))?;
        Ok(Self { zip_bytes, bootstrap })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::scratch::Scratch;

    fn unpack(entries: &[(&str, u32)]) -> Result<Vec<u8>> {
        let scratch = Scratch::new()?;
        let zip = scratch.path().join("function.zip");
        let mut archive = zip::ZipWriter::new(File::create(&zip)?);
        for (name, mode) in entries {
            archive.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode))?;
            archive.write_all(b"program")?;
        }
        archive.finish()?;
        let package = Package::unpack(&zip, &scratch.path().join("function"))?;
        assert_eq!(package.zip_bytes, std::fs::metadata(&zip)?.len());
        let mode = std::fs::metadata(&package.bootstrap)?.permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        Ok(std::fs::read(package.bootstrap)?)
    }

    #[test]
    fn a_package_is_its_bootstrap() {
        assert_eq!(unpack(&[("bootstrap", 0o755)]).unwrap(), b"program");
    }

    #[test]
    fn anything_else_is_no_package() {
        for entries in [
            &[] as &[(&str, u32)],
            &[("main", 0o755)],
            &[("bootstrap", 0o755), ("notes.txt", 0o644)],
            &[("bootstrap", 0o644)],
        ] {
            assert!(unpack(entries).is_err(), "{entries:?}");
        }
    }
}
