# Small libraries, together because each is a few lines.
module Base64
  module_function

  def strict_encode64(text) = YadoNative.encode64(text)
  def encode64(text) = YadoNative.encode64(text).scan(/.{1,60}/).map { |line| line + "\n" }.join
  def decode64(text) = YadoNative.decode64(text)
  def strict_decode64(text) = text.match?(%r{\A[A-Za-z0-9+/]*={0,2}\z}) && text.size % 4 == 0 ? YadoNative.decode64(text) : raise(ArgumentError, "invalid base64")
  def urlsafe_encode64(text, padding: true) = YadoNative.encode64(text).tr("+/", "-_").then { |made| padding ? made : made.delete("=") }
  def urlsafe_decode64(text) = YadoNative.decode64(text)
end

module Digest
  class Base
    def self.algorithm = name.split("::").last
    def self.digest(text) = YadoNative.digest(algorithm, text)
    def self.hexdigest(text) = YadoNative.hex(digest(text))
    def self.base64digest(text) = YadoNative.encode64(digest(text))
    def self.file(path) = new.update(File.binread(path))
    def initialize(*) = @text = +""
    def update(text) = (@text << text; self)
    alias << update
    def digest(text = @text) = self.class.digest(text)
    def hexdigest(text = @text) = self.class.hexdigest(text)
    def base64digest = self.class.base64digest(@text)
    def file(path) = update(File.binread(path))
    def reset = (@text = +""; self)
    alias to_s hexdigest
    def ==(other) = to_s == other.to_s
  end
  class MD5 < Base; end
  class SHA1 < Base; end
  class SHA256 < Base; end
  class SHA384 < Base; end
  class SHA512 < Base; end
  class SHA2 < Base
    def self.algorithm = "SHA256"
  end
end

module SecureRandom
  module_function

  def random_bytes(count = 16) = YadoNative.random_bytes(count || 16)
  def bytes(count) = random_bytes(count)
  def hex(count = 16) = YadoNative.hex(random_bytes(count || 16))
  def base64(count = 16) = YadoNative.encode64(random_bytes(count || 16))
  def urlsafe_base64(count = 16, padding = false) = base64(count || 16).tr("+/", "-_").then { |text| padding ? text : text.delete("=") }
  def alphanumeric(count = 16) = Array.new(count || 16) { [*"A".."Z", *"a".."z", *"0".."9"].sample }.join
  def random_number(limit = 0) = limit == 0 ? Random.rand : Random.rand(limit)
  def rand(limit = 0) = random_number(limit)
  def uuid
    text = hex(16)
    text[12] = "4"
    text[16] = "89ab"[text[16].hex % 4]
    [text[0, 8], text[8, 4], text[12, 4], text[16, 4], text[20, 12]].join("-")
  end
end

module Shellwords
  module_function

  def shellsplit(line) = YadoNative.shellsplit(line)
  def shellescape(word) = YadoNative.shellescape(word.to_s)
  def shelljoin(words) = words.map { |word| shellescape(word) }.join(" ")
  class << self
    alias split shellsplit
    alias shellwords shellsplit
    alias escape shellescape
    alias join shelljoin
  end
end

class String
  def shellsplit = Shellwords.shellsplit(self)
  def shellescape = Shellwords.shellescape(self)
end

class Array
  def shelljoin = Shellwords.shelljoin(self)
end

module Open3
  module_function

  def capture3(*command, **options) = YadoNative.run(*command, **options)
  def capture2(*command, **options) = YadoNative.run(*command, **options).values_at(0, 2)
  def capture2e(*command, **options) = YadoNative.run(*command, **options).then { |out, err, status| [out + err, status] }
  def popen3(*command, **options)
    out, err, status = YadoNative.run(*command, **options)
    waiter = Struct.new(:value, :pid).new(status, 1)
    streams = [StringIO.new, StringIO.new(out), StringIO.new(err), waiter]
    block_given? ? yield(*streams) : streams
  end
  def popen2e(*command, **options)
    out, err, status = YadoNative.run(*command, **options)
    waiter = Struct.new(:value, :pid).new(status, 1)
    streams = [StringIO.new, StringIO.new(out + err), waiter]
    block_given? ? yield(*streams) : streams
  end
  def popen2(*command, **options, &block) = popen2e(*command, **options, &block)
end

class IO
  def self.popen(*command, **options)
    command = command.first.is_a?(Hash) ? [command[0], *Array(command[1])] : Array(command.first)
    stream = StringIO.new(YadoNative.run(*command, **options).first)
    block_given? ? yield(stream) : stream
  end
  def self.console = nil
  def self.pipe = raise(NotImplementedError, "pipes are not supported here")
end

class ERB
  VERSION = "2.2.3"
  attr_reader :src
  attr_accessor :filename, :lineno

  def initialize(template, *_, trim_mode: nil, eoutvar: "_erbout")
    trim_mode ||= _[1]
    @src = YadoNative.erb(template, trim_mode.to_s, eoutvar)
    @filename = "(erb)"
    @lineno = 1
  end

  def result(binding = TOPLEVEL_BINDING) = eval(@src, binding, @filename, @lineno)
  def result_with_hash(hash)
    scope = Object.new.instance_eval { binding }
    hash.each { |name, value| scope.local_variable_set(name, value) }
    result(scope)
  end
  def run(binding = TOPLEVEL_BINDING) = print(result(binding))
  def location=(place)
    @filename, @lineno = place
  end

  module Util
    module_function

    def html_escape(text) = text.to_s.gsub(/[&<>"']/, "&" => "&amp;", "<" => "&lt;", ">" => "&gt;", '"' => "&quot;", "'" => "&#39;")
    def url_encode(text) = text.to_s.gsub(/[^a-zA-Z0-9_\-.~]/) { |letter| letter.bytes.map { |byte| format("%%%02X", byte) }.join }
    class << self
      alias h html_escape
      alias u url_encode
    end
  end
end

module Etc
  module_function

  def getlogin = ENV["USER"] || "root"
  def nprocessors = YadoNative.processors
  def uname = YadoNative.uname
  def systmpdir = "/tmp"
  def sysconfdir = "/etc"
  Passwd = Struct.new(:name, :passwd, :uid, :gid, :gecos, :dir, :shell)
  Group = Struct.new(:name, :passwd, :gid, :mem)
  def users = File.readlines("/etc/passwd", chomp: true).map { |line| line.split(":") }.map { |name, pass, uid, gid, gecos, dir, shell| Passwd.new(name, pass, uid.to_i, gid.to_i, gecos, dir, shell) }
  def groups = File.readlines("/etc/group", chomp: true).map { |line| line.split(":") }.map { |name, pass, gid, members| Group.new(name, pass, gid.to_i, members.to_s.split(",")) }
  def getpwuid(uid = Process.uid) = users.find { |user| user.uid == uid }
  def getpwnam(name) = users.find { |user| user.name == name } || raise(ArgumentError, "can't find user for #{name}")
  def getgrgid(gid = Process.gid) = groups.find { |group| group.gid == gid }
  def getgrnam(name) = groups.find { |group| group.name == name } || raise(ArgumentError, "can't find group for #{name}")
end

module RbConfig
  CONFIG = {
    "host_os" => "linux-gnu", "target_os" => "linux-gnu", "arch" => RUBY_PLATFORM, "host_cpu" => RUBY_PLATFORM[/\A[^-]+/],
    "target_cpu" => RUBY_PLATFORM[/\A[^-]+/], "build_os" => "linux-gnu", "host" => "#{RUBY_PLATFORM}-gnu", "ruby_version" => "3.1.0",
    "MAJOR" => "3", "MINOR" => "1", "TEENY" => "7", "RUBY_PROGRAM_VERSION" => RUBY_VERSION, "bindir" => "/usr/bin",
    "ruby_install_name" => "ruby", "RUBY_INSTALL_NAME" => "ruby", "EXEEXT" => "", "prefix" => "/usr", "PATH_SEPARATOR" => ":",
  }
  def self.ruby = "/usr/bin/ruby"
  def self.expand(text, *) = text
end

class Socket
  AF_UNSPEC = 0
  AF_INET = 2
  AF_INET6 = 10
  SOCK_STREAM = 1
  SOCK_DGRAM = 2
  module Constants
    AF_INET = 2
    AF_INET6 = 10
  end
  def self.gethostname = YadoNative.hostname
  def self.ip_address_list = [Addrinfo.new("127.0.0.1")]
  def self.getifaddrs = []
  def self.tcp(host, port, *) = raise(Errno::ECONNREFUSED, "connect(2) for #{host}:#{port}: the network is not available here")
  def self.getaddrinfo(host, *) = raise(SocketError, "getaddrinfo: the network is not available here")
end

class SocketError < StandardError; end

class Addrinfo
  attr_reader :ip_address
  def initialize(address) = @ip_address = address
  def self.ip(address) = new(address)
  def ipv4? = !ip_address.include?(":")
  def ipv6? = ip_address.include?(":")
  def ipv4_loopback? = ip_address.start_with?("127.")
  def ipv6_loopback? = ip_address == "::1"
  def ipv4_private? = ip_address.match?(/\A(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/)
  def ipv4_multicast? = false
  def ipv6_linklocal? = false
  def ip? = true
end

class TCPSocket
  def self.new(host, port = nil, *)
    YadoNative.connect([host, port].compact.join(":"))
    raise(Errno::ECONNREFUSED, "connect(2) for #{host.inspect} port #{port}: the network is not available here")
  end
  def self.open(*args) = new(*args)
end
class TCPServer < TCPSocket; end
class UDPSocket < TCPSocket; end
class UNIXSocket < TCPSocket; end

module Resolv
  module IPv4
    Regex256 = /0|1(?:[0-9][0-9]?)?|2(?:[0-4][0-9]?|5[0-5]?|[6-9])?|[3-9][0-9]?/x
    Regex = /\A(#{Regex256})\.(#{Regex256})\.(#{Regex256})\.(#{Regex256})\z/
  end
  module IPv6
    Regex = /\A(?:(?:\h{1,4}:){7}\h{1,4}|(?:\h{1,4}(?::\h{1,4})*)?::(?:\h{1,4}(?::\h{1,4})*)?)\z/
  end
  class ResolvError < StandardError; end
  def self.getaddress(name) = name == "localhost" ? "127.0.0.1" : raise(ResolvError, "no address for #{name}")
  def self.getaddresses(name) = name == "localhost" ? ["127.0.0.1"] : []
end

module Net
  class OpenTimeout < StandardError; end
  class HTTP
    class Get
      def initialize(*) = nil
      def []=(*)
      end
    end
    def self.refuse(address)
      YadoNative.connect(address)
      raise(SocketError, "Failed to open TCP connection to #{address} (the network is not available here)")
    end
    def self.get(uri, *) = refuse(uri)
    def self.get_response(uri, *) = refuse(uri)
    def self.post_form(uri, *) = refuse(uri)
    def self.start(host, *) = refuse(host)
    def initialize(host, port = 80) = @host = host
    attr_accessor :use_ssl, :verify_mode, :open_timeout, :read_timeout
    def request(*) = HTTP.refuse(@host)
    def get(*) = HTTP.refuse(@host)
    def start(*) = HTTP.refuse(@host)
  end
end

module OpenURI
  class HTTPError < StandardError; end
end

module Zlib
  class Error < StandardError; end
  class GzipWriter
    def self.open(*) = raise(NotImplementedError, "Zlib is not supported here")
    def self.new(*) = open
  end
  class GzipReader < GzipWriter; end
  class Deflate < GzipWriter; end
  class Inflate < GzipWriter; end
  def self.crc32(text, sum = 0) = text.each_byte.inject(sum ^ 0xffffffff) { |crc, byte| 8.times.inject(crc ^ byte) { |acc, _| acc & 1 == 1 ? (acc >> 1) ^ 0xedb88320 : acc >> 1 } } ^ 0xffffffff
  def self.gzip(*) = GzipWriter.open
end

module Singleton
  def self.included(base)
    base.extend(ClassMethods)
    base.private_class_method :new
  end
  module ClassMethods
    def instance = @singleton__instance__ ||= new
  end
  def clone = raise(TypeError, "can't clone instance of singleton #{self.class}")
  def dup = raise(TypeError, "can't dup instance of singleton #{self.class}")
end

module Forwardable
  def def_delegator(accessor, method, name = method)
    define_method(name) do |*args, **options, &block|
      target = accessor.to_s.start_with?("@") ? instance_variable_get(accessor) : send(accessor)
      target.send(method, *args, **options, &block)
    end
  end
  def def_delegators(accessor, *methods) = methods.each { |method| def_delegator(accessor, method) }
  def delegate(hash) = hash.each { |methods, accessor| Array(methods).each { |method| def_delegator(accessor, method) } }
  alias def_instance_delegator def_delegator
  alias def_instance_delegators def_delegators
  alias instance_delegate delegate
end
SingleForwardable = Forwardable

class Delegator < BasicObject
end

class SimpleDelegator
  def initialize(object) = @delegate = object
  def __getobj__ = @delegate
  def __setobj__(object) = @delegate = object
  def method_missing(name, *args, **options, &block) = @delegate.respond_to?(name) ? @delegate.send(name, *args, **options, &block) : super
  def respond_to_missing?(name, all = false) = @delegate.respond_to?(name, all)
  def ==(other) = other.equal?(self) || @delegate == other
  def to_s = @delegate.to_s
  def inspect = @delegate.inspect
end

module Observable
  def add_observer(observer, method = :update) = (@observers ||= {})[observer] = method
  def delete_observer(observer) = @observers&.delete(observer)
  def changed(state = true) = @changed = state
  def changed? = !!@changed
  def notify_observers(*args)
    @observers&.each { |observer, method| observer.send(method, *args) } if @changed
    @changed = false
  end
end

module Timeout
  class Error < RuntimeError; end
  class ExitException < Exception; end
  def self.timeout(seconds, *_) = yield(seconds)
  def timeout(seconds, *_) = yield(seconds)
end

module Benchmark
  Tms = Struct.new(:utime, :stime, :cutime, :cstime, :real, :label)
  def self.realtime
    start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    yield
    Process.clock_gettime(Process::CLOCK_MONOTONIC) - start
  end
  def self.measure(label = "") = Tms.new(0.0, 0.0, 0.0, 0.0, realtime { yield }, label)
end

module PP
  def self.pp(object, out = $stdout, *) = out << object.inspect << "\n"
end

module Marshal
  def self.dump(object, *) = Copy.new(copy(object, {}.compare_by_identity))
  def self.load(dumped, *) = dumped.is_a?(Copy) ? copy(dumped.object, {}.compare_by_identity) : raise(TypeError, "instance of IO needed")

  # What dump answers: only load can do something with it.
  class Copy < String
    attr_reader :object
    def initialize(object)
      super("\x04\b")
      @object = object
    end
  end

  def self.copy(object, seen)
    return seen[object] if seen.key?(object)
    case object
    when nil, true, false, Integer, Float, Symbol, Module, Range, Regexp then object
    when String then seen[object] = object.dup
    when Array
      made = seen[object] = object.class.new
      object.each { |item| made << copy(item, seen) }
      made
    when Hash
      raise TypeError, "can't dump hash with default proc" if object.default_proc
      made = seen[object] = object.class.new
      made.default = object.default
      object.each { |key, value| made[copy(key, seen)] = copy(value, seen) }
      made
    when Proc, Method then raise TypeError, "no _dump_data is defined for class #{object.class}"
    else
      made = seen[object] = object.class.allocate
      object.instance_variables.each { |name| made.instance_variable_set(name, copy(object.instance_variable_get(name), seen)) }
      made
    end
  end
end

class Monitor
  def synchronize = yield
  alias mon_synchronize synchronize
  def enter = nil
  def exit = nil
end

module MonitorMixin
  def synchronize = yield
  alias mon_synchronize synchronize
end

class Mutex
  def synchronize = yield
  def lock = self
  def unlock = self
  def locked? = false
  def try_lock = true
end

class Thread
  Mutex = ::Mutex
  def self.new(*args) = allocate.tap { |thread| thread.instance_variable_set(:@value, yield(*args)) }
  def self.start(*args, &block) = new(*args, &block)
  def self.current = @current ||= allocate
  def join(*) = self
  attr_reader :value
  def alive? = false
  def status = false
  def [](name) = (@locals ||= {})[name.to_sym]
  def []=(name, value)
    (@locals ||= {})[name.to_sym] = value
  end
  attr_accessor :abort_on_exception, :report_on_exception
end

class Queue
  def initialize = @items = []
  def push(item) = (@items << item; self)
  alias << push
  def pop(*) = @items.shift
  alias shift pop
  def empty? = @items.empty?
  def size = @items.size
end

module Signal
  def self.trap(*) = nil
  def self.list = { "EXIT" => 0, "HUP" => 1, "INT" => 2, "TERM" => 15 }
end

class Tempfile < File
  def self.new(name = "", dir = "/tmp", **) = open_at(File.join(dir || "/tmp", "#{Array(name).first}#{SecureRandom.hex(8)}#{Array(name)[1]}"))
  def self.open_at(path) = File.open(path, "w+")
  def self.create(*args) = block_given? ? yield(new(*args)) : new(*args)
  def self.open(*args) = block_given? ? yield(new(*args)) : new(*args)
end

class File
  def unlink(*) = File.delete(path)
  def delete = File.delete(path)
  def close! = (close; File.delete(path))
end

class Dir
  def self.tmpdir = ENV["TMPDIR"] || "/tmp"
  def self.mktmpdir(prefix = "d", *)
    path = File.join(tmpdir, "#{prefix}#{SecureRandom.hex(6)}")
    FileUtils.mkdir_p(path)
    return path unless block_given?
    begin
      yield path
    ensure
      FileUtils.rm_rf(path)
    end
  end
end

module MakeMakefile
  def find_executable(name, path = ENV["PATH"]) = path.split(":").map { |folder| File.join(folder, name) }.find { |file| File.file?(file) && File.executable?(file) }
end

class Logger
  module Severity
    DEBUG = 0
    INFO = 1
    WARN = 2
    ERROR = 3
    FATAL = 4
    UNKNOWN = 5
  end
  include Severity
  NAMES = %w[DEBUG INFO WARN ERROR FATAL ANY].freeze
  attr_accessor :level, :progname, :formatter, :datetime_format

  class Formatter
    def call(severity, time, progname, message) = "#{severity[0]}, [#{time.strftime("%Y-%m-%dT%H:%M:%S.%6N")} ##{Process.pid}] #{severity.rjust(5)} -- #{progname}: #{message}\n"
  end

  def initialize(out = nil, *_, level: DEBUG, progname: nil, formatter: nil, **)
    @out = out.is_a?(String) ? File.open(out, "a") : out
    @progname, @formatter = progname, formatter
    self.level = level
  end

  def level=(level)
    @level = level.is_a?(Integer) ? level : NAMES.index(level.to_s.upcase) || 5
  end

  def add(severity, message = nil, progname = nil)
    return true if @out.nil? || severity < @level
    message = yield if message.nil? && block_given?
    message = progname if message.nil?
    message = message.inspect unless message.is_a?(String)
    @out.write((@formatter || (@default ||= Formatter.new)).call(NAMES[severity] || "ANY", Time.now, @progname, message))
    true
  end
  alias log add

  NAMES.first(5).each_with_index do |name, severity|
    define_method(name.downcase) { |message = nil, &block| add(severity, message, &block) }
    define_method("#{name.downcase}?") { level <= severity }
  end
  def unknown(message = nil, &block) = add(5, message, &block)
  def <<(text) = @out&.write(text)
  def close = @out&.close
end

module Kernel
  def pp(*objects)
    objects.each { |object| puts object.inspect }
    objects.size > 1 ? objects : objects.first
  end
  def timeout(seconds, *_) = yield(seconds)
  def URI(text) = URI.parse(text)
  def find_executable(name, path = ENV["PATH"]) = path.split(":").map { |folder| File.join(folder, name) }.find { |file| File.file?(file) && File.executable?(file) }
end
