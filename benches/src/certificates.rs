//! Certificates for a measurement.

use std::{env, fs, path::PathBuf, process};

use crate::{
    Result, Trouble,
    tool::{cargo_build, release},
};

/// What the `dev_cert` example makes, in a folder that goes when this is dropped.
#[derive(Debug)]
pub struct Certificates(PathBuf);

impl Certificates {
    /// Makes them for 127.0.0.1 and its names.
    ///
    /// # Errors
    ///
    /// When the example does not compile or run.
    pub fn make() -> Result<Self> {
        cargo_build(&["--example", "dev_cert"])?;
        let folder = Self(env::temp_dir().join(format!("lariat-certificates-{}", process::id())));
        let mut example = process::Command::new(release()?.join("examples").join("dev_cert"));
        let output = example.arg("--directory").arg(&folder.0).arg("--overwrite").output()?;
        if output.status.success() {
            Ok(folder)
        } else {
            Err(Trouble::new(format!("dev_cert: {}", String::from_utf8_lossy(&output.stderr))))
        }
    }

    /// The path of one of the files, such as `server.pem`.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// What says in an endpoint string where the server's key and certificate are.
    #[must_use]
    pub fn endpoint_options(&self) -> String {
        format!("privateKey={}:certKey={}", self.path("server-key.pem"), self.path("server.pem"))
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        // What cannot be removed is litter and no more.
        let _ = fs::remove_dir_all(&self.0);
    }
}
