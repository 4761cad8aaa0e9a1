require 'json'; require 'set'; require 'ostruct'; require 'ipaddr'; require 'uri'; require 'digest'; require 'base64'; require 'shellwords'; require 'erb'; require 'pathname'; require 'time'; require 'date'; require 'optparse'; require 'getoptlong'; require 'singleton'; require 'forwardable'; require 'stringio'; require 'logger'; require 'rubygems'; require 'csv'; require 'securerandom'
p JSON.parse('{"a": [1, 2.5, null, true, "x\u00e9\n"], "b": {"c": -1e3}}'), JSON.parse('{"a":1}', symbolize_names: true), JSON.generate({ a: [1, nil, "q\"\n"], "b" => { 1 => 2.0 } }), [1, { "a" => :b }].to_json, "x".to_json, nil.to_json
puts JSON.pretty_generate({ "a" => [1, { "b" => [] }], "c" => {} })
begin; JSON.parse("{a"); rescue JSON::ParserError => e; puts e.class; end
S = Struct.new(:a, :b) do
  def sum = a + b
end
s = S.new(1, 2); p s, s.sum, s.to_a, s.to_h, s == S.new(1, 2), s[0], s[:b], s["a"]; s.a = 9; p s.a; x, y = *s; p x, y, S.members
K = Struct.new(:x, keyword_init: true); p K.new(x: 1)
begin; S.new(1, 2, 3); rescue ArgumentError => e; puts e.message; end
o = OpenStruct.new(a: 1); o.b = 2; p o, o.a, o.b, o.c, o.respond_to?(:a), o.to_h, o[:a], o.dig(:b)
t = Set.new([1, 2, 2]); t << 3; p t, t.include?(2), t | [9], t - [1], t & [2], t.size, t.to_a, t.map { |v| v * 2 }, Set[1] == Set[1], t.subset?(Set[1, 2, 3, 4])
i = IPAddr.new("192.168.50.10"); p i.to_s, i.succ.to_s, i.to_i, (i | 5).to_s, IPAddr.new("10.0.0.0/8").include?("10.1.2.3"), IPAddr.new("10.0.5.7/24").to_s, IPAddr.new("10.0.0.0/30").to_range.map(&:to_s), IPAddr.new(3232235777, Socket::AF_INET).to_s, i, i.ipv4?, IPAddr.new("::1").to_s, IPAddr.new("2001:db8::8:800:200c:417a").to_s
begin; IPAddr.new("300.1.1.1"); rescue => e; puts e.class; end
u = URI.parse("https://user:pw@example.com:8443/a/b.html?q=1&r=2#top"); p u.scheme, u.host, u.port, u.path, u.query, u.fragment, u.user, u.to_s, URI("http://x.org").port, URI.join("http://a/b/c", "d").to_s, u.class, URI.encode_www_form("a b" => "c&d")
p Digest::MD5.hexdigest("a"), Digest::SHA1.hexdigest("a"), Digest::SHA256.hexdigest("a"), Digest::SHA256.new.update("a").hexdigest, Base64.strict_encode64("hello"), Base64.encode64("x" * 50), Base64.decode64("aGVsbG8="), Base64.urlsafe_encode64("\xff\xfe")
p Shellwords.split("a 'b c' d\\ e"), "it's".shellescape, ["a b", "c"].shelljoin
puts ERB.new("<% 3.times do |i| -%>\nline <%= i %>\n<% end -%>\ndone <%# c %>", trim_mode: "-").result(binding), ERB.new("x=<%= u.host %>").result(binding)
pa = Pathname.new("/a/b") + "../c.txt"; p pa, pa.basename.to_s, pa.extname, pa.dirname, Pathname.new("x/y").join("z").to_s, pa.relative_path_from(Pathname.new("/a/d")).to_s, Pathname("a//b/../c").cleanpath.to_s, pa.exist?
p Time.parse("2020-01-02 03:04:05 UTC").iso8601, Time.utc(2020, 1, 31).strftime("%a %d %b %Y"), Time.at(0).utc.to_s, (Time.utc(2020, 1, 2) - Time.utc(2020, 1, 1)), Time.utc(2020, 1, 1) + 3600, Time.utc(2020, 1, 1) < Time.utc(2021, 1, 1), (Date.new(2020, 2, 28) + 2).to_s, Date.parse("2020-03-01").strftime("%j"), (Date.new(2020, 3, 1) - Date.new(2020, 2, 1)).to_i, (Date.new(2024, 1, 31) >> 1).to_s
p Gem::Version.new("1.10") > Gem::Version.new("1.9"), Gem::Requirement.new("~> 2.2").satisfied_by?(Gem::Version.new("2.9")), Gem::Version.new("2.3.4").segments, Gem::Version.new("1.0.a").prerelease?, %w[1.10 1.9].max_by { |v| Gem::Version.new(v) }, Gem::Requirement.new(">= 1", "< 2").to_s
opts = {}; OptionParser.new { |q| q.on("-v", "--verbose") { |v| opts[:v] = v }; q.on("-nNAME", "--name NAME", "name") { |v| opts[:n] = v } }.parse!(%w[-v --name x rest]); p opts
class One; include Singleton; def hi = "hi"; end
p One.instance.equal?(One.instance), One.instance.hi; begin; One.new; rescue NoMethodError => e; puts e.message; end
class Fw; extend Forwardable; def_delegators :@a, :size, :first; def initialize = @a = [1, 2]; end
p Fw.new.size, Fw.new.first
io = StringIO.new; io.puts "a", 1; io << "b"; io.print("c"); p io.string; r = StringIO.new("l1\nl2\n"); p r.gets, r.read, r.eof?, r.gets; r.rewind; p r.each_line.to_a, r.readlines
l = Logger.new($stdout); l.formatter = proc { |sev, _, _, msg| "#{sev}: #{msg}\n" }; l.info("hello"); l.level = Logger::WARN; l.info("no"); l.warn { "block" }
p CSV.parse("a,b\n1,\"x,y\"\n"), CSV.parse("h,i\n1,2\n", headers: true).first["i"], ["a", "b,c"].to_csv, SecureRandom.hex(4).size, SecureRandom.uuid.size
deep = { a: [1, { b: "x" }] }; copy = Marshal.load(Marshal.dump(deep)); copy[:a][1][:b] << "y"; p deep, copy
p ENV["NOPE"], ENV.fetch("NOPE", "d"), ENV.key?("PATH"); ENV["X_Y"] = "1"; p ENV["X_Y"], ENV.delete("X_Y"), ENV["X_Y"]
begin; ENV.fetch("NOPE"); rescue KeyError => e; puts e.message; end
begin; require "highline"; rescue LoadError => e; puts e.message; end
p File.join("a", "/b", "c/"), File.basename("/x/y.rb", ".rb"), File.basename("a.tar.gz", ".*"), File.extname("x.tar.gz"), File.dirname("/a/b/c"), File.expand_path("../x", "/a/b"), File.expand_path("/a/./b/../c"), File.split("/a/b"), File.exist?("/etc/passwd"), File.directory?("/etc"), File.file?("/etc"), File.fnmatch("*.rb", "a.rb"), File.extname(".bashrc"), File.join("a", ["b", "c"])
begin; File.read("/nope"); rescue => e; puts e.class, e.message; end
begin; File.open("/nope/x"); rescue Errno::ENOENT => e; puts e.message; end
p Dir.glob("/etc/host{s,name}").sort, Dir["/etc/hos?s"], Dir.exist?("/etc"), File.readlines("/etc/hostname").size, __FILE__ == $0 || true, Math.sqrt(16), Math::PI.round(2), RbConfig::CONFIG["host_os"].include?("linux"), RUBY_VERSION[0, 3], Comparable, Process.pid.class, Process.clock_gettime(Process::CLOCK_MONOTONIC).class
e = Enumerator.new { |q| q << 1; q << 2; q.yield 3 }; p e.to_a, e.next, e.peek, e.take(2), e.lazy.map { |v| v * 2 }.first(2), e.with_index(1).to_a, e.size
p [3, 1].lazy.select(&:odd?).map { |v| v + 1 }.to_a, (1..Float::INFINITY).lazy.reject(&:odd?).take(2).to_a, (1..3).each_entry.to_a, [4, 5].each.with_object([]).to_a
catch(:done) { 10.times { |n| throw :done if n == 3 }; puts "never" }; puts [1, 2, 3].to_s + "x", :a <=> :b, :abc[1], :a.to_proc.call("x") rescue p $!
begin; raise "boom"; rescue => e; p e, e.message, e.class, e.full_message(highlight: false).lines.first.include?("boom"); end
class MyErr < StandardError; def initialize(m = "dflt") = super; end
begin; raise MyErr; rescue => e; p e, e.message; end
begin; raise MyErr, "x"; rescue MyErr => e; p e; end
begin; [].fetch(3); rescue IndexError => e; p e; end
begin; Errno::ENOENT.new("f").then { |x| raise x }; rescue SystemCallError => e; p e.message; end

require "English"
"one two three" =~ /t(w)o/
p $MATCH, $PREMATCH, $POSTMATCH, $LAST_PAREN_MATCH, $LAST_MATCH_INFO[1]
begin
  raise ArgumentError, "wrong"
rescue ArgumentError
  p $ERROR_INFO.message, $ERROR_POSITION.class
end
p $PID == Process.pid, $INPUT_RECORD_SEPARATOR, $OUTPUT_FIELD_SEPARATOR, $CHILD_STATUS
