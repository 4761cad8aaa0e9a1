//! A Vagrantfile that means harm. It is nobody's friend: it tries every way out that Ruby has, catches what it is
//! told and tries the next one. Nothing may happen, nothing secret may be learned, and every try is told with its line.

mod support;

use support::Sandbox;

/// What must not be seen, and lies in a private key.
const SECRET: &str = "TOP-SECRET-KEY";

/// Ways to change something. `OUTSIDE` is a folder beside the project with a file `kept`.
const CHANGES: &[&str] = &[
    "File.delete('OUTSIDE/kept')",
    "File.unlink('kept')",
    "FileUtils.rm_rf('OUTSIDE')",
    "FileUtils.rm_rf(Dir.glob('OUTSIDE/*'))",
    "require 'fileutils'; FileUtils.touch('made')",
    "FileUtils.mkdir_p('OUTSIDE/made')",
    "FileUtils.cp('kept', 'OUTSIDE/made')",
    "FileUtils.mv('OUTSIDE/kept', 'stolen')",
    "FileUtils.ln_s('OUTSIDE/.ssh/id_rsa', 'stolen')",
    "FileUtils.cp_r('OUTSIDE/.ssh', 'stolen')",
    "File.write('OUTSIDE/made', 'x')",
    "IO.write('made', 'x')",
    "IO.binwrite('made', 'x')",
    "File.open('made', 'w') { |file| file.puts 'x' }",
    "File.open('kept', 'a') { |file| file << 'x' }",
    "File.open('kept', 'r+') { |file| file.write 'x' }",
    "File.new('made', File::CREAT | File::WRONLY).close",
    "open('made', 'w') { |file| file.print 'x' }",
    "Kernel.open('made', 'w') { |file| file.print 'x' }",
    "File.rename('kept', 'made')",
    "File.symlink('/etc/passwd', 'made')",
    "File.link('kept', 'made')",
    "File.chmod(0777, 'kept')",
    "File.truncate('kept', 0)",
    "Dir.mkdir('made')",
    "Dir.rmdir('OUTSIDE')",
    "Dir.unlink('OUTSIDE/.ssh')",
    "require 'pathname'; Pathname.new('made').write('x')",
    "Pathname('kept').delete",
    "Pathname('OUTSIDE').rmtree",
    "File.method(:write).call('made', 'x')",
    "File.method(:delete).unbind.bind(File).call('kept')",
    "File.send(:delete, 'kept')",
    "File.public_send(:delete, 'kept')",
    "File.__send__(:delete, 'kept')",
    "Object.const_get(:File).delete('kept')",
    "%w[kept].each(&File.method(:delete))",
    "eval(\"File.delete('kept')\")",
    "File.instance_eval { delete('kept') }",
    "File.class_eval { def self.x; delete('kept'); end }; File.x",
    "Class.new(File).delete('kept')",
    "File.singleton_class.instance_method(:delete).bind(File).call('kept')",
    "YadoNative.change('rm_r', 'OUTSIDE')",
    "ObjectSpace.each_object(Class).first.delete('kept')",
    "$stdout.reopen('made', 'w'); puts 'x'",
    "require 'tempfile'; Tempfile.new('made').write('x')",
    "require 'logger'; Logger.new('made').info('x')",
    "require 'pstore'; PStore.new('made').transaction { |store| store[:a] = 1 }",
    "require 'yaml/store'; YAML::Store.new('made').transaction { |store| store[:a] = 1 }",
    "require 'csv'; CSV.open('made', 'w') { |csv| csv << [1] }",
    "at_exit { File.delete('kept') }; raise 'later'",
    "ObjectSpace.define_finalizer('x', proc { File.delete('kept') })",
];

/// Ways to run a program; each would make the file `made`.
const PROGRAMS: &[&str] = &[
    "`touch made`",
    "%x(touch made)",
    "Kernel.`('touch made')",
    "send(:`, 'touch made')",
    "system('touch made')",
    "system('touch', 'made')",
    "system({ 'A' => 'b' }, 'touch made')",
    "system(['touch', 'touch'], 'made')",
    "system('true; touch made')",
    "system('true && touch made')",
    "system('echo x > made')",
    "system('echo x | tee made')",
    "system(\"uname\\ntouch made\")",
    "system('echo $(touch made)')",
    "system('cat', 'kept', out: 'made')",
    "system('echo x', out: ['made', 'w'])",
    "Kernel.system('touch made')",
    "Kernel.method(:system).call('touch made')",
    "method(:system).to_proc.call('touch made')",
    "exec('touch made')",
    "Process.exec('touch made')",
    "vagrant = system('vagrant plugin install x'); exec('vagrant; touch made')",
    "spawn('touch made')",
    "Process.spawn('touch made')",
    "Process.daemon; system('touch made')",
    "fork { system('touch made') }",
    "Process.fork { File.write('made', 'x') }",
    "IO.popen('touch made').read",
    "IO.popen(['touch', 'made']).read",
    "IO.popen('-') { File.write('made', 'x') }",
    "open('|touch made')",
    "Kernel.open('| touch made').read",
    "IO.read('|touch made')",
    "IO.readlines('|touch made')",
    "IO.foreach('|touch made') { }",
    "File.open('|touch made')",
    "require 'open3'; Open3.capture3('touch made')",
    "Open3.popen3('touch made')",
    "Open3.pipeline('touch made')",
    "require 'pty'; PTY.spawn('touch made')",
    "YadoNative.run('touch made')",
    "Vagrant::Util::Subprocess.execute('touch', 'made')",
    "trap('EXIT') { system('touch made') }; raise 'later'",
    "ENV['RUBYOPT'] = '-e'; ENV['BASH_ENV'] = 'x'; system('bash -c \"touch made\"')",
    "syscall(39)",
    "require 'fiddle'; Fiddle.dlopen(nil)",
    "require 'etc'; Etc.send(:system, 'touch made')",
    "binding.eval('system(\"touch made\")')",
    "TOPLEVEL_BINDING.eval('`touch made`')",
    "instance_eval('system(\"touch made\")')",
    "require 'erb'; ERB.new('<% system(\"touch made\") %>').result",
    "YAML.unsafe_load(\"--- !ruby/object:Gem::Installer\\ni: x\\n\").call",
    "YAML.load('!ruby/object:Gem::Requirement {requirements: [x]}')",
    "Marshal.load(\"\\x04\\bo:\\vObject\\x00\")",
    "Class.new { def method_missing(name, *rest) = Kernel.send(name, *rest) }.new.system('touch made')",
    "Module.new { extend Kernel; module_function; def x = system('touch made') }.x",
    "BasicObject.new.instance_eval { ::Kernel.system('touch made') }",
    "Process.kill(:TERM, Process.ppid)",
    "eval('`touch made`', binding, 'Harmless', 1)",
    // Last, because nothing is found afterwards.
    "ENV['PATH'] = Dir.pwd; system('./touch made')",
];

/// Ways to read the private key, `/etc/shadow` or what a process was started with.
const SECRETS: &[&str] = &[
    "File.read('OUTSIDE/.ssh/id_rsa')",
    "File.read(File.expand_path('~/.ssh/id_rsa'))",
    "File.read('../.ssh/id_rsa')",
    "File.read('link')",
    "File.read('folder/id_rsa')",
    "File.read('folder/../.ssh/id_rsa')",
    "IO.read('OUTSIDE/.ssh/id_rsa')",
    "IO.binread('OUTSIDE/.ssh/id_rsa')",
    "IO.readlines('OUTSIDE/.ssh/id_rsa').join",
    "File.foreach('OUTSIDE/.ssh/id_rsa').to_a.join",
    "File.open('OUTSIDE/.ssh/id_rsa').read",
    "File.open('OUTSIDE/.ssh/id_rsa', 'r+').read",
    "File.open('OUTSIDE/.ssh/id_rsa', 'a+').read",
    "File.new('OUTSIDE/.ssh/id_rsa').gets",
    "open('OUTSIDE/.ssh/id_rsa', &:read)",
    "Pathname.new('OUTSIDE/.ssh/id_rsa').read",
    "Dir.chdir('OUTSIDE/.ssh') { File.read('id_rsa') }",
    "Dir.glob('OUTSIDE/.ssh/*').map { |path| File.read(path) }.join",
    "ENV['HOME'] = '/nowhere'; File.read('OUTSIDE/.ssh/id_rsa')",
    "`cat OUTSIDE/.ssh/id_rsa`",
    "`cat link`",
    "`grep -v nothing OUTSIDE/.ssh/id_rsa`",
    "IO.popen('cat ../.ssh/id_rsa').read",
    "Open3.capture2('cat', 'OUTSIDE/.ssh/id_rsa').first",
    "open('|cat OUTSIDE/.ssh/id_rsa').read",
    "load 'OUTSIDE/.ssh/id_rsa'",
    "eval(File.read('OUTSIDE/.ssh/id_rsa'))",
    "require 'OUTSIDE/.ssh/key.rb'",
    "require_relative '../.ssh/key'",
    "$LOAD_PATH << 'OUTSIDE/.ssh'; require 'key'",
    "YAML.load_file('OUTSIDE/.ssh/id_rsa').to_s",
    "JSON.load_file('OUTSIDE/.ssh/id_rsa').to_s",
    "JSON.parse(File.read('OUTSIDE/.ssh/id_rsa'))",
    "require 'csv'; CSV.read('OUTSIDE/.ssh/id_rsa').join",
    "FileUtils.compare_file('OUTSIDE/.ssh/id_rsa', 'kept')",
    "require 'erb'; ERB.new(File.read('OUTSIDE/.ssh/id_rsa')).result",
    "File.read('/proc/self/root' + 'OUTSIDE/.ssh/id_rsa')",
    "File.read('/proc/self/cwd/../.ssh/id_rsa')",
    "File.read('/etc/shadow')",
    "File.read('/proc/self/environ')",
    "File.read('/proc/1/environ')",
    "File.read('/dev/mem', 10)",
    "Digest::SHA256.file('OUTSIDE/.ssh/id_rsa').hexdigest",
    "DATA.class; File.read('OUTSIDE/.ssh/id_rsa')",
    "File.method(:read).call('OUTSIDE/.ssh/id_rsa')",
    "Vagrant::Util::SafeExec.exec('cat', 'OUTSIDE/.ssh/id_rsa')",
    "`git -C OUTSIDE/.ssh rev-parse HEAD`",
    "system('cat OUTSIDE/.ssh/id_rsa')",
    "File.read(\"OUTSIDE/.ssh/id_rsa\\0.pub\")",
];

/// Ways to tell somebody.
const CONNECTIONS: &[&str] = &[
    "require 'socket'; TCPSocket.new('127.0.0.1', PORT)",
    "TCPSocket.open('127.0.0.1', PORT).puts 'x'",
    "TCPServer.new(PORT)",
    "UDPSocket.new.send('x', 0, '127.0.0.1', PORT)",
    "Socket.tcp('127.0.0.1', PORT)",
    "require 'net/http'; Net::HTTP.get(URI('http://127.0.0.1:PORT/'))",
    "Net::HTTP.start('127.0.0.1', PORT) { }",
    "require 'open-uri'; open('http://127.0.0.1:PORT/')",
    "URI.open('http://127.0.0.1:PORT/')",
    "URI.parse('http://127.0.0.1:PORT/').open",
    "File.read('/dev/tcp/127.0.0.1/PORT')",
    "`curl http://127.0.0.1:PORT/`",
];

struct Attempt {
    sandbox: Sandbox,
    err: String,
    out: String,
    /// Line numbers of the tries.
    lines: usize,
}

/// Lets a Vagrantfile try all of these, putting whatever it gets into the box's address.
fn attempt(tries: &[&str], port: u16) -> Attempt {
    let sandbox = Sandbox::empty();
    let outside = sandbox.project.parent().expect("a folder around the project").to_owned();
    std::fs::create_dir(outside.join(".ssh")).expect("folder");
    for name in ["id_rsa", "key.rb", "HEAD"] {
        std::fs::write(outside.join(".ssh").join(name), format!("'{SECRET}'\n")).expect("file");
    }
    std::fs::write(outside.join("kept"), "kept").expect("file");
    sandbox.write("kept", "kept");
    std::os::unix::fs::symlink("../.ssh/id_rsa", sandbox.path("link")).expect("link");
    std::os::unix::fs::symlink("../.ssh", sandbox.path("folder")).expect("link");
    let mut text =
        "$got = []; def attempt; $got << yield; rescue Exception => error; $got << error; end\n".to_owned();
    for one in tries {
        let one = one.replace("OUTSIDE", &outside.to_string_lossy()).replace("PORT", &port.to_string());
        text.push_str(&format!("attempt {{ {one} }}\n"));
    }
    text.push_str("puts $got.map { |it| it.inspect }\n");
    text.push_str("Vagrant.configure('2') { |config| config.vm.box = 'x'; config.vm.box_url = 'https://example.invalid/' + $got.join }\n");
    sandbox.write("Vagrantfile", &text);
    let answer = sandbox.run(&["config", "--json"]);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    let attempt = Attempt { sandbox, err: answer.err, out: answer.out, lines: tries.len() };
    assert!(attempt.out.contains("example.invalid"), "it went on to its end: {}{}", attempt.out, attempt.err);
    attempt.nothing_happened();
    attempt
}

impl Attempt {
    fn nothing_happened(&self) {
        let (project, outside) = (&self.sandbox.project, self.sandbox.project.parent().expect("parent"));
        let names = |folder: &std::path::Path| {
            let mut names: Vec<String> = folder
                .read_dir()
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(project), ["Vagrantfile", "folder", "kept", "link"]);
        assert_eq!(names(&outside.join(".ssh")), ["HEAD", "id_rsa", "key.rb"]);
        for kept in [project.join("kept"), outside.join("kept")] {
            assert_eq!(std::fs::read_to_string(&kept).expect("kept"), "kept");
            assert_eq!(mode(&kept) & 0o777, 0o644);
        }
        let around = names(outside);
        assert!(
            around.iter().all(|name| [".ssh", "home", "kept", "project"].contains(&name.as_str())),
            "{around:?}"
        );
        for text in [&self.out, &self.err] {
            assert!(!text.contains(SECRET), "the key was read:\n{text}");
        }
    }

    /// Whether a refusal names the line of this try.
    fn refused(&self, index: usize) -> bool {
        // The first line defines the helper.
        let place = format!("Vagrantfile:{}\n", index + 2);
        self.err.lines().any(|line| format!("{line}\n").ends_with(&place))
    }

    /// Tries that were refused by the sandbox, rather than failing because there is no such thing here.
    fn refusals(&self) -> usize {
        (0..self.lines).filter(|index| self.refused(*index)).count()
    }
}

fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().expect("facts").permissions().mode()
}

/// Each of these must be told as a refusal, and those that Ruby has under another name here must at least fail.
fn all_refused_but(attempt: &Attempt, tries: &[&str], absent: &[&str]) {
    let silent: Vec<&str> = tries
        .iter()
        .enumerate()
        .filter(|(index, one)| !attempt.refused(*index) && !absent.iter().any(|part| one.contains(part)))
        .map(|(_, one)| *one)
        .collect();
    assert!(silent.is_empty(), "not told as refused: {silent:#?}\n{}", attempt.err);
}

#[test]
fn it_changes_no_file() {
    let attempt = attempt(CHANGES, 9);
    all_refused_but(
        &attempt,
        CHANGES,
        &[
            "ObjectSpace",
            "reopen",
            "Tempfile",
            "Logger",
            "PStore",
            "Store",
            "CSV.open",
            "at_exit",
            "truncate",
            "rmtree",
        ],
    );
}

#[test]
fn it_runs_no_program() {
    let attempt = attempt(PROGRAMS, 9);
    all_refused_but(
        &attempt,
        PROGRAMS,
        &[
            "fork",
            "IO.read",
            "IO.foreach",
            "File.open('|",
            "popen('-')",
            "pipeline",
            "pty",
            "syscall",
            "fiddle",
            "unsafe_load",
            "YAML.load",
            "Marshal",
            "trap(",
            "./touch",
            "Subprocess",
            "daemon",
            "etc'",
        ],
    );
}

#[test]
fn it_learns_no_secret() {
    let attempt = attempt(SECRETS, 9);
    all_refused_but(
        &attempt,
        SECRETS,
        &[
            "SafeExec",
            "\\0",
            "folder/../",
            "/proc/self/cwd",
            "DATA",
            "/dev/mem",
            "/proc/1/",
            "git -C",
            "SHA256.file",
            "load_file('OUTSIDE/.ssh/id_rsa').to_s",
            "link`",
        ],
    );
    assert!(attempt.refusals() > 30, "{}", attempt.err);
}

#[test]
fn it_calls_nobody() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    let attempt = attempt(CONNECTIONS, port);
    assert!(listener.accept().is_err(), "somebody called");
    all_refused_but(&attempt, CONNECTIONS, &["UDPSocket", "Socket.tcp", "/dev/tcp"]);
}

#[test]
fn it_kills_nobody_and_ends_only_itself() {
    let sandbox = Sandbox::new("Process.kill(:KILL, Process.pid, Process.ppid, 0)\n");
    sandbox.run(&["validate"]).refused(&["sending signals", "Vagrantfile:1", "yado trust", "--trust"]);
}
