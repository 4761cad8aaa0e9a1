//! A web server of its own for a test: nginx, over TLS with a private authority, with what box servers do.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running nginx and the folder that it serves (`site`), with its keys (`ca.pem`, `client.pem`).
pub struct Web {
    folder: tempfile::TempDir,
    process: Child,
    /// Its ports for http and https.
    pub plain: u16,
    pub secure: u16,
}

impl Web {
    /// `None`, after saying why, where there is no nginx. In CI there must be one.
    pub fn start(test: &str) -> Option<Self> {
        for program in ["nginx", "openssl"] {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let is_there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
            if !is_there {
                super::skipped::for_want_of_a_peer(test, &format!("there is no {program}"));
                return None;
            }
        }
        let mut folder = tempfile::Builder::new().prefix("yado-web-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("site")).unwrap();
        keys(folder.path());
        // Somebody else may take a free port before nginx does.
        for _ in 0..10 {
            let (plain, secure) = (super::free_port(), super::free_port());
            let process = launch(folder.path(), plain, secure);
            let mut web = Self { folder, process, plain, secure };
            if web.answers() {
                return Some(web);
            }
            folder = std::mem::replace(&mut web.folder, tempfile::tempdir().unwrap());
        }
        panic!("nginx does not answer");
    }

    fn answers(&mut self) -> bool {
        let limit = Instant::now() + Duration::from_secs(10);
        while Instant::now() < limit {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return false;
            }
            if std::net::TcpStream::connect(("127.0.0.1", self.secure)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Where what is served lies.
    pub fn site(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    /// A file of its keys.
    pub fn key(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The address of a path over TLS.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.secure)
    }

    /// The lines of the log: request, status, bytes.
    pub fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// An authority, a server's certificate for localhost and a client's.
fn keys(folder: &Path) {
    let script = r"
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=yado-test-authority
        for who in server client; do
            openssl req -newkey rsa:2048 -nodes -keyout $who.key -out $who.csr -subj /CN=$who
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > $who.ext
            openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out $who.crt -extfile $who.ext
            cat $who.crt $who.key > $who.pem
        done
    ";
    let made = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// One process, so that its end is the end of all of it.
fn launch(folder: &Path, plain: u16, secure: u16) -> Child {
    let at = folder.display();
    let configuration = format!(
        r#"
        daemon off; master_process off; pid {at}/nginx.pid; error_log {at}/error.log;
        events {{ worker_connections 256; }}
        http {{
            log_format short '$request $status $body_bytes_sent $http_authorization';
            access_log {at}/access.log short;
            client_body_temp_path {at}/t1; proxy_temp_path {at}/t2; fastcgi_temp_path {at}/t3;
            uwsgi_temp_path {at}/t4; scgi_temp_path {at}/t5;
            types {{ application/json json; }}
            default_type application/octet-stream;
            server {{
                listen 127.0.0.1:{plain}; listen 127.0.0.1:{secure} ssl;
                ssl_certificate {at}/server.crt; ssl_certificate_key {at}/server.key;
                ssl_client_certificate {at}/ca.pem; ssl_verify_client optional;
                root {at}/site;
                location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
                location /slow/ {{ alias {at}/site/; limit_rate 3m; }}
                location /secret/ {{
                    alias {at}/site/;
                    if ($http_authorization != "Bearer sesame") {{ return 401; }}
                }}
                location /known/ {{
                    alias {at}/site/;
                    if ($ssl_client_verify != SUCCESS) {{ return 403; }}
                }}
                location ~ ^/api/v2/vagrant/(.*)$ {{
                    default_type application/json;
                    if ($http_authorization != "Bearer sesame") {{ return 404; }}
                    try_files /catalogues/$1.json =404;
                }}
            }}
        }}
        "#
    );
    std::fs::write(folder.join("nginx.conf"), configuration).unwrap();
    Command::new("nginx")
        .args(["-c", &format!("{at}/nginx.conf"), "-e", &format!("{at}/error.log"), "-p", &at.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
