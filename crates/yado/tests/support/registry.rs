//! A registry of its own for a test: Debian's docker-registry on a port of the loopback interface, and nginx in front of
//! it twice: asking for a token, and asking for user and password.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the tests need.
const PROGRAMS: &[&str] = &["docker-registry", "nginx", "skopeo", "zstd", "tar", "python3"];

/// Gives a token to whoever sends the form with the right identity token: nginx looks at no request's body.
const FORMS: &str = r#"
import http.server, sys
WANTED = b"scope=repository:team/image:pull&service=a%20test&grant_type=refresh_token&client_id=yado&refresh_token=open%20this"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"]))
        known = form == WANTED and self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(b'{"access_token": "sesame"}' if known else b"")
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

/// A running registry.
pub struct Registry {
    pub folder: tempfile::TempDir,
    processes: Vec<Child>,
    /// Open to everybody.
    pub open: u16,
    /// Wants a token, which only `user` with the password `secret` gets, or who has the identity token `open this`.
    pub token: u16,
    /// Wants `user` and `secret` itself.
    pub basic: u16,
}

impl Registry {
    /// `None`, after saying why, where the programs for it are missing. In CI they must be there.
    pub fn start() -> Option<Self> {
        if !super::has_programs("a registry", PROGRAMS) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("yado-registry-").tempdir().unwrap();
        let [open, token, basic, forms] = [(); 4].map(|()| super::free_port());
        let at = folder.path().display();
        let configuration = format!(
            "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {at}/storage}}}}\n\
             http: {{addr: '127.0.0.1:{open}'}}\n"
        );
        std::fs::write(folder.path().join("registry.yml"), configuration).unwrap();
        std::fs::write(folder.path().join("nginx.conf"), nginx(folder.path(), open, token, basic, forms))
            .unwrap();
        let mut registry = Command::new("docker-registry");
        registry.args(["serve", &format!("{at}/registry.yml")]);
        let mut front = Command::new("nginx");
        front.args([
            "-c",
            &format!("{at}/nginx.conf"),
            "-e",
            &format!("{at}/error.log"),
            "-p",
            &at.to_string(),
        ]);
        let mut giver = Command::new("python3");
        giver.args(["-c", FORMS, &forms.to_string()]);
        let processes = [registry, front, giver]
            .into_iter()
            .map(|mut command| {
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        let registry = Self { folder, processes, open, token, basic };
        let limit = Instant::now() + Duration::from_secs(20);
        for port in [open, token, basic, forms] {
            while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(Instant::now() < limit, "nobody answers on port {port}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Some(registry)
    }

    /// The name of an image there.
    pub fn image(&self, rest: &str) -> String {
        format!("127.0.0.1:{}/{rest}", self.open)
    }

    /// Copies an image with skopeo.
    pub fn copy(&self, words: &[&str]) {
        let mut command = Command::new("skopeo");
        command.args(["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]).args(words);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "skopeo {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        for process in &mut self.processes {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

fn nginx(folder: &Path, open: u16, token: u16, basic: u16, forms: u16) -> String {
    let at = folder.display();
    format!(
        r#"
        daemon off; master_process off; pid {at}/nginx.pid; error_log {at}/error.log;
        events {{ worker_connections 256; }}
        http {{
            access_log off;
            client_body_temp_path {at}/t1; proxy_temp_path {at}/t2; fastcgi_temp_path {at}/t3;
            uwsgi_temp_path {at}/t4; scgi_temp_path {at}/t5;
            server {{
                listen 127.0.0.1:{token};
                location = /token {{
                    default_type application/json;
                    # Whoever has a token from logging in sends a form.
                    if ($request_method = POST) {{ rewrite ^ /form last; }}
                    if ($http_authorization != "Basic dXNlcjpzZWNyZXQ=") {{ return 401; }}
                    if ($args != "scope=repository:team/image:pull&service=a%20test") {{ return 400; }}
                    return 200 '{{"token": "sesame"}}';
                }}
                location = /form {{ proxy_pass http://127.0.0.1:{forms}; }}
                location / {{
                    if ($http_authorization != "Bearer sesame") {{
                        add_header WWW-Authenticate 'Bearer realm="http://127.0.0.1:{token}/token",service="a test"' always;
                        return 401;
                    }}
                    proxy_pass http://127.0.0.1:{open};
                }}
            }}
            server {{
                listen 127.0.0.1:{basic};
                location / {{
                    if ($http_authorization != "Basic dXNlcjpzZWNyZXQ=") {{
                        add_header WWW-Authenticate 'Basic realm="a test"' always;
                        return 401;
                    }}
                    proxy_pass http://127.0.0.1:{open};
                }}
            }}
        }}
        "#
    )
}
