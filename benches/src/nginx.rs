//! The web server `nginx`, Debian's package of that name.

use std::{env, fs, io, path::PathBuf, process};

use crate::server::Contestant;

/// How nginx is set up: a folder with its configuration, which goes when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    folder: PathBuf,
}

impl Nginx {
    /// Writes a configuration: one process, `sendfile`, no `open_file_cache`, no logs, and what `locations` says of the only server.
    /// `name` tells it from others of this process.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn new(name: &str, locations: &str) -> io::Result<Self> {
        let folder = env::temp_dir().join(format!("lariat-nginx-{name}-{}", process::id()));
        fs::create_dir_all(&folder)?;
        let nginx = Self { folder };
        let folder = nginx.folder.display();
        // The port is filled in when the process is started.
        let text = format!(
            "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr crit;\n\
             events {{ worker_connections 16384; }}\n\
             http {{\n  access_log off;\n  sendfile on;\n  open_file_cache off;\n  keepalive_requests 1000000;\n  keepalive_timeout 60s;\n\
             \x20 types {{ text/plain txt; }}\n\
             \x20 client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n  fastcgi_temp_path {folder}/fastcgi;\n\
             \x20 uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n\
             \x20 server {{\n    listen 127.0.0.1:@PORT@ backlog=4096;\n{locations}\n  }}\n}}\n"
        );
        fs::write(nginx.folder.join("template"), text)?;
        Ok(nginx)
    }

    /// It, as one that others are held beside.
    #[must_use]
    pub fn contestant(&self) -> Contestant {
        let folder = self.folder.display();
        let command = format!(
            "sed 's/@PORT@/{{}}/' '{folder}/template' > '{folder}/{{}}.conf' && \
             exec \"$(PATH=$PATH:/usr/sbin command -v nginx)\" -p '{folder}' -c '{folder}/{{}}.conf'"
        );
        Contestant::new(
            "nginx",
            "Debian's package, one worker, sendfile on, open_file_cache off, access_log off",
            &["sh", "-c", &command],
        )
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // What cannot be removed is litter and no more.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
