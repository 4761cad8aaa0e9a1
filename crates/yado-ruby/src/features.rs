//! Libraries that come with the interpreter: what `require` accepts without a file, and those that are
//! written in Ruby, evaluated when they are required or when one of their constants is first referred to.

use crate::interpreter::Interpreter;
use crate::symbol::Symbol;
use crate::value::{Eval, Value};

/// A library written in Ruby.
struct Source {
    /// The names that `require` knows it by.
    features: &'static [&'static str],
    /// The top-level constants that it defines.
    constants: &'static [&'static str],
    /// Its text.
    text: &'static str,
}

/// The libraries in `lib/`.
const SOURCES: &[Source] = &[
    Source { features: &["enumerator/lazy"], constants: &["__Lazy"], text: include_str!("../lib/lazy.rb") },
    Source { features: &["set"], constants: &["Set"], text: include_str!("../lib/set.rb") },
    Source { features: &["struct"], constants: &["Struct"], text: include_str!("../lib/struct.rb") },
    Source { features: &["ostruct"], constants: &["OpenStruct"], text: include_str!("../lib/ostruct.rb") },
    Source { features: &["pathname"], constants: &["Pathname"], text: include_str!("../lib/pathname.rb") },
    Source { features: &["fileutils"], constants: &["FileUtils"], text: include_str!("../lib/fileutils.rb") },
    Source {
        features: &["rubygems", "rubygems/version", "rubygems/requirement"],
        constants: &["Gem"],
        text: include_str!("../lib/gem.rb"),
    },
    Source { features: &["ipaddr"], constants: &["IPAddr"], text: include_str!("../lib/ipaddr.rb") },
    Source { features: &["uri"], constants: &["URI"], text: include_str!("../lib/uri.rb") },
    Source {
        features: &["optparse", "optionparser", "getoptlong"],
        constants: &["OptionParser", "OptParse", "GetoptLong"],
        text: include_str!("../lib/options.rb"),
    },
    Source {
        features: &["bigdecimal", "bigdecimal/util"],
        constants: &["BigDecimal"],
        text: include_str!("../lib/bigdecimal.rb"),
    },
    Source { features: &["rational"], constants: &["Rational"], text: include_str!("../lib/rational.rb") },
    Source {
        features: &["date", "time"],
        constants: &["Date", "DateTime"],
        text: include_str!("../lib/date.rb"),
    },
    Source { features: &["csv"], constants: &["CSV"], text: include_str!("../lib/csv.rb") },
    Source { features: &["English"], constants: &[], text: include_str!("../lib/english.rb") },
    Source { features: &["base64"], constants: &["Base64"], text: include_str!("../lib/base64.rb") },
    Source {
        features: &["digest", "digest/md5", "digest/sha1", "digest/sha2"],
        constants: &["Digest"],
        text: include_str!("../lib/digest.rb"),
    },
    Source {
        features: &["securerandom", "random/formatter"],
        constants: &["SecureRandom"],
        text: include_str!("../lib/securerandom.rb"),
    },
    Source {
        features: &["shellwords"],
        constants: &["Shellwords"],
        text: include_str!("../lib/shellwords.rb"),
    },
    Source { features: &["open3"], constants: &["Open3"], text: include_str!("../lib/open3.rb") },
    Source { features: &["erb"], constants: &["ERB"], text: include_str!("../lib/erb.rb") },
    Source {
        features: &["etc", "rbconfig"],
        constants: &["Etc", "RbConfig"],
        text: include_str!("../lib/etc.rb"),
    },
    Source {
        features: &["socket", "resolv", "net/http", "net/https", "open-uri", "zlib"],
        constants: &[
            "Socket",
            "SocketError",
            "Addrinfo",
            "TCPSocket",
            "TCPServer",
            "UDPSocket",
            "UNIXSocket",
            "Resolv",
            "Net",
            "OpenURI",
            "Zlib",
        ],
        text: include_str!("../lib/network.rb"),
    },
    Source {
        features: &["singleton", "forwardable", "delegate", "observer"],
        constants: &[
            "Singleton",
            "Forwardable",
            "SingleForwardable",
            "Delegator",
            "SimpleDelegator",
            "Observable",
        ],
        text: include_str!("../lib/patterns.rb"),
    },
    Source {
        features: &["timeout", "benchmark"],
        constants: &["Timeout", "Benchmark"],
        text: include_str!("../lib/timing.rb"),
    },
    Source { features: &["marshal"], constants: &["Marshal"], text: include_str!("../lib/marshal.rb") },
    Source {
        features: &["monitor", "thread"],
        constants: &["Monitor", "MonitorMixin", "Mutex", "Thread", "Queue", "Signal"],
        text: include_str!("../lib/threads.rb"),
    },
    Source {
        features: &["tempfile", "tmpdir"],
        constants: &["Tempfile"],
        text: include_str!("../lib/tempfile.rb"),
    },
    Source { features: &["logger"], constants: &["Logger"], text: include_str!("../lib/logger.rb") },
    Source {
        features: &["cgi", "cgi/util", "cgi/escape"],
        constants: &["CGI"],
        text: include_str!("../lib/cgi.rb"),
    },
    Source { features: &["strscan"], constants: &["StringScanner"], text: include_str!("../lib/strscan.rb") },
    Source { features: &["find"], constants: &["Find"], text: include_str!("../lib/find.rb") },
    Source {
        features: &["deep_merge"],
        constants: &["DeepMerge"],
        text: include_str!("../lib/deep_merge.rb"),
    },
    Source {
        features: &["pp", "mkmf"],
        constants: &["PP", "MakeMakefile"],
        text: include_str!("../lib/helpers.rb"),
    },
];

/// Libraries whose content is part of the core here, or which have nothing to add.
const BUILT_IN: &[&str] = &[
    "base64",
    "benchmark",
    "bundler/setup",
    "date",
    "digest",
    "digest/md5",
    "digest/sha1",
    "digest/sha2",
    "enumerator",
    "erb",
    "etc",
    "fileutils",
    "forwardable",
    "getoptlong",
    "io/console",
    "ipaddr",
    "json",
    "log4r",
    "logger",
    "net/http",
    "objspace",
    "observer",
    "open-uri",
    "open3",
    "openssl",
    "optparse",
    "ostruct",
    "pathname",
    "pp",
    "psych",
    "rbconfig",
    "resolv",
    "rubygems",
    "securerandom",
    "set",
    "shellwords",
    "singleton",
    "socket",
    "stringio",
    "strscan",
    "tempfile",
    "thread",
    "timeout",
    "tmpdir",
    "tsort",
    "uri",
    "weakref",
    "yaml",
    "zlib",
    "delegate",
    "monitor",
    "rexml/document",
    "readline",
    "csv",
    "forwardable/impl",
    "json/add/core",
    "json/ext",
    "json/generic_object",
    "optparse/date",
    "optparse/kwargs",
    "optparse/shellwords",
    "optparse/time",
    "optparse/uri",
    "rubygems/dependency",
    "rubygems/package",
    "rubygems/specification",
    "rubygems/user_interaction",
    "uri/generic",
    "openssl/digest",
    "prettyprint",
    "fiber",
    "continuation",
    "etc.so",
    "socket.so",
    "stringio.so",
    // What is there with Ruby and Vagrant, and of no use while a configuration is read: a program may ask for it, and
    // hears of it when it uses a part that is not here.
    "addressable/uri",
    "abbrev",
    "bcrypt_pbkdf",
    "bundler",
    "childprocess",
    "concurrent",
    "coverage",
    "did_you_mean",
    "digest/bubblebabble",
    "digest/rmd160",
    "drb",
    "ed25519",
    "error_highlight",
    "erubi",
    "expect",
    "faraday",
    "fcntl",
    "fiddle",
    "io/console/size",
    "io/nonblock",
    "io/wait",
    "irb",
    "kconv",
    "listen",
    "matrix",
    "mime/types",
    "minitest",
    "multi_json",
    "mutex_m",
    "net/ftp",
    "net/protocol",
    "net/scp",
    "net/sftp",
    "net/smtp",
    "net/ssh",
    "net/ssh/proxy/command",
    "nkf",
    "prime",
    "pstore",
    "pty",
    "racc/parser",
    "rake",
    "rb-inotify",
    "rdoc",
    "reline",
    "resolv-replace",
    "rinda/rinda",
    "ripper",
    "sdbm",
    "sorted_set",
    "syslog",
    "test/unit",
    "vagrant_cloud",
    "yaml/store",
    "zip",
];

/// A constant that a program sees only after it has required one of its libraries.
pub(crate) struct Withheld {
    constant: Symbol,
    /// What it is, when it is there from the start otherwise.
    value: Option<Value>,
    libraries: &'static [&'static str],
}

impl Interpreter {
    /// Lets programs see these constants only once one of the libraries beside them was required, as where nothing
    /// else has loaded them. Otherwise they are there as soon as they are named.
    pub fn withhold(&mut self, constants: &[(&str, &'static [&'static str])]) {
        for (constant, libraries) in constants {
            let constant = Symbol::new(constant);
            let there = self.core.object.clone().constants.borrow_mut().shift_remove(&constant);
            let value = match there {
                Some(crate::class::Constant::Value(value)) => Some(value),
                _ => None,
            };
            self.withheld.push(Withheld { constant, value, libraries });
        }
    }

    /// Shows what was withheld until one of its libraries is required.
    fn show(&mut self, library: &str) {
        let (shown, kept) = std::mem::take(&mut self.withheld)
            .into_iter()
            .partition(|withheld| withheld.libraries.contains(&library));
        self.withheld = kept;
        let shown: Vec<Withheld> = shown;
        for Withheld { constant, value, .. } in shown {
            if let Some(value) = value {
                self.set_constant(None, constant.as_str(), value);
            }
        }
    }
}

/// What `require` answers for a library that comes with the interpreter; `None` if there is none of this name.
pub(crate) fn require(ruby: &mut Interpreter, name: &str) -> Option<Eval<bool>> {
    let name = name.strip_suffix(".rb").unwrap_or(name);
    ruby.show(name);
    if let Some(source) = SOURCES.iter().find(|source| source.features.contains(&name)) {
        return Some(load(ruby, source));
    }
    BUILT_IN.contains(&name).then(|| {
        let mark = std::path::PathBuf::from(format!("{name}.rb"));
        let first = !ruby.loaded.contains(&mark);
        if first {
            ruby.loaded.push(mark);
        }
        Ok(first)
    })
}

fn load(ruby: &mut Interpreter, source: &Source) -> Eval<bool> {
    let name = format!("<internal:{}>", source.features[0]);
    let mark = std::path::PathBuf::from(&name);
    if ruby.loaded.contains(&mark) {
        return Ok(false);
    }
    ruby.loaded.push(mark);
    ruby.eval_source(&name, source.text)?;
    Ok(true)
}

/// Classes and modules of libraries that are there in every program of Vagrant's, so that `class NAME` opens them again.
const ALWAYS_THERE: &[&str] = &[
    "Digest",
    "FileUtils",
    "Gem",
    "Logger",
    "Marshal",
    "Monitor",
    "MonitorMixin",
    "Mutex",
    "OptionParser",
    "Pathname",
    "Queue",
    "Rational",
    "SecureRandom",
    "Set",
    "Shellwords",
    "Signal",
    "Struct",
    "Tempfile",
    "Thread",
    "Timeout",
    "URI",
];

/// What `class NAME` or `module NAME` at the top level opens again, although nobody has referred to it yet.
pub(crate) fn reopened(ruby: &mut Interpreter, name: Symbol) -> Eval<Option<Value>> {
    if ALWAYS_THERE.contains(&name.as_str()) { constant(ruby, name) } else { Ok(None) }
}

/// A top-level constant that a library written in Ruby defines, loading it.
pub(crate) fn constant(ruby: &mut Interpreter, name: Symbol) -> Eval<Option<Value>> {
    if ruby.withheld.iter().any(|withheld| withheld.constant == name) {
        return Ok(None);
    }
    let Some(source) = SOURCES.iter().find(|source| source.constants.contains(&name.as_str())) else {
        return Ok(None);
    };
    if !load(ruby, source)? {
        return Ok(None);
    }
    match ruby.core.object.clone().constant(name) {
        Some(crate::class::Constant::Value(value)) => Ok(Some(value)),
        _ => Ok(None),
    }
}
