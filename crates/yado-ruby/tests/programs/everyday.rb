# What configurations of several hundred lines use of the language and its libraries, a line of output for each.
require 'yaml'; require 'json'; require 'erb'; require 'set'; require 'ostruct'; require 'shellwords'; require 'digest'; require 'forwardable'; require 'singleton'; require 'time'; require 'csv'; require 'pathname'; require 'optparse'; require 'logger'; require 'stringio'; require 'tempfile'; require 'ipaddr'; require 'uri'; require 'securerandom'; require 'base64'; require 'timeout'; require 'delegate'
def check(name) = (print name, ": "; begin; p yield; rescue Exception => e; puts "#{e.class} #{e.message}"; end)
rescue_all = ->(&b) { begin; b.call; rescue Exception => e; "#{e.class}: #{e.message}"; end }
class Settings
  extend Forwardable
  include Enumerable
  def_delegators :@data, :[], :key?, :size
  def_delegator :@data, :fetch, :get
  def initialize(data) = @data = data
  def each(&) = @data.each(&)
  def method_missing(name, *args)
    return @data[name.to_s] if @data.key?(name.to_s)
    super
  end
  def respond_to_missing?(n, priv = false) = @data.key?(n.to_s) || super
end
s = Settings.new("ip" => "10.0.0.5", "memory" => 2048, "sites" => [{"map" => "a.test", "to" => "/srv/a"}])
check("delegate") { [s["ip"], s.get("memory"), s.size, s.memory, s.respond_to?(:cpus), s.map { |k, v| k }] }
check("mm") { rescue_all.() { s.nothing } =~ /undefined method `nothing' for #<Settings/ }
class Config; include Singleton; attr_accessor :x; end
check("singleton") { Config.instance.x = 3; [Config.instance.x, rescue_all.() { Config.new }] }
check("yaml") { YAML.load("a: 1\nb: [x, yes, 0x1f, 1_000, ~, 2020-01-02x]\nc: &d {e: f}\ng:\n  <<: *d\n  h: i\n", aliases: true) }
check("yamlerr") { rescue_all.() { YAML.load("a: b: c") } }
check("yamldump") { {"a" => [1, nil, true, "yes", "x: y", 1.5], :b => {"c" => "multi\nline\n"}}.to_yaml }
check("json") { JSON.parse('{"a":[1,2,{"b":null}],"c":"\u00e4\n"}', symbolize_names: true) }
check("jsongen") { JSON.pretty_generate({"a" => [], "b" => {}, "c" => [1, {"d" => nil}]}) }
check("jsonerr") { rescue_all.() { JSON.parse('{"a": }') } }
check("erb") { ERB.new("<% 3.times do |i| -%>\nline <%= i %>\n<% end -%>\n", trim_mode: "-").result(binding) }
check("set") { a = Set.new([1,2]); [a | [3], a.subset?(Set[1,2,3]), a.include?(2), a.to_a, a.add?(2), a == Set[2,1], a.inspect] }
check("ostruct") { o = OpenStruct.new(a: 1); o.b = 2; [o.a, o.b, o[:a], o.to_h, o.respond_to?(:b), o.dig(:a), o] }
P = Struct.new(:x, :y) do
  def +(o) = P.new(x + o.x, y + o.y)
  def to_s = "(#{x}, #{y})"
end
check("struct") { a = P.new(1,2); b = P.new(1,2); [a == b, a + b, a.to_a, a.to_h, "#{a}", a.eql?(b), a.hash == b.hash, P.members, rescue_all.() { P.new(1,2,3) }, rescue_all.() { a[:z] }, rescue_all.() { a[5] }] }
K = Struct.new(:a, :b, keyword_init: true)
check("kwstruct") { [K.new(a: 1), rescue_all.() { K.new(1) }, rescue_all.() { K.new(c: 1) }, K.inspect, K.new(a: 1, b: 2).to_h] }
check("pattern") { case {name: "web", ports: [80, 443], opts: {ssl: true}}
  in {name: String => n, ports: [first, *rest], opts: {ssl: true | false => ssl}} then [n, first, rest, ssl] end }
check("find") { case [1, 2, 3, 42, 5]; in [*, 40..50 => x, *post] then [x, post] end }
check("deconstruct") { case P.new(1, 2); in [x, y] then [x, y] end }
check("deconstruct_keys") { case P.new(1, 2); in {x:} then x end }
check("pin") { v = 5; case 5; in ^v then :same end }
check("in") { {a: [1, {b: 2}]} in {a: [Integer, {b:}]} }
module Loud
  refine String do
    def shout = upcase + "!"
  end
end
using Loud
check("refine") { "hi".shout }
check("heredoc") { <<~A + <<~'B' }
  one #{1 + 1}
    two
A
  raw #{x}
B
check("kwargs") { def kw(a, b = 2, *r, k:, o: 4, **rest, &blk) = [a,b,r,k,o,rest]; [kw(1, k: 3), kw(1, 2, 3, k: 1, z: 2), rescue_all.() { kw(1) }, rescue_all.() { kw(k: 1) }, method(:kw).parameters, method(:kw).arity] }
check("kwargs2") { def opts(o = {}) = o; [opts(a: 1), opts({a: 1}), opts(**{b: 2})] }
check("kwargs3") { def ks(**o) = o; [ks(a: 1), rescue_all.() { ks({a: 1}) }, ks(**{})] }
check("lazy") { (1..Float::INFINITY).lazy.map { |x| x * 2 }.select { |x| x % 3 == 0 }.reject(&:odd?).first(3) }
check("enum") { e = [1,2,3].each; [e.next, e.next, e.peek, e.next, rescue_all.() { e.next }] }
check("enum2") { Enumerator.new { |y| y << 1 << 2; y.yield 3, 4 }.to_a }
check("fib") { fib = Enumerator.new { |y| a, b = 0, 1; loop { y << a; a, b = b, a + b } }; fib.take(10) }
check("comparable") { class V; include Comparable; attr_reader :v; def initialize(v) = @v = v; def <=>(o) = v <=> o.v; def inspect = "V#{v}"; end; [V.new(1) < V.new(2), [V.new(3), V.new(1)].min, V.new(2).between?(V.new(1), V.new(3)), V.new(5).clamp(V.new(1), V.new(3)), rescue_all.() { V.new(1) < 3 }] }
check("errs") { [rescue_all.() { nil.foo }, rescue_all.() { Integer("x") }, rescue_all.() { {a: 1}.fetch(:b) }, rescue_all.() { [1].fetch(9) }, rescue_all.() { "a" + 1 }, rescue_all.() { 1 + "a" }, rescue_all.() { 1 + nil }, rescue_all.() { [1] + nil }, rescue_all.() { "x".freeze << "y" }, rescue_all.() { [1].freeze << 2 }, rescue_all.() { {a: 1}.freeze[:b] = 1 }, rescue_all.() { Object.new.foo }.sub(/0x\h+/, "XX"), rescue_all.() { foo_bar }, rescue_all.() { FooBar }, rescue_all.() { raise "x" }, rescue_all.() { 1 / 0 }, rescue_all.() { ENV.fetch("NOPE_X") }, rescue_all.() { :a <=> 1; [3, "a"].sort }, rescue_all.() { Float("1x") }, rescue_all.() { "abc".to_sym.call }, rescue_all.() { def z1(a) = a; z1 }, rescue_all.() { [].first("x") }, rescue_all.() { raise ArgumentError }, rescue_all.() { Comparable.new }, rescue_all.() { "x" * -1 }, rescue_all.() { File.read("/nonexistent") }, rescue_all.() { throw :x }, rescue_all.() { "a".send(:nope) }, rescue_all.() { private_m }] }
check("pathname") { pa = Pathname.new("/a/b/../c.rb"); [pa.cleanpath, pa.basename, pa.extname, pa.dirname, pa + "d", pa.join("x", "y"), pa.relative?, Pathname("/a/b").relative_path_from(Pathname("/a/c")), pa.to_s, Pathname.new("x").absolute?, Pathname.new("a//b/").each_filename.to_a, Pathname.new("/a/b.txt").sub_ext(".md")] }
check("optparse") { o = {}; rest = OptionParser.new { |op| op.banner = "Usage: x"; op.on("-v", "--[no-]verbose", "Verbose") { |v| o[:v] = v }; op.on("-nNAME", "--name NAME", String) { |v| o[:n] = v }; op.on("--count N", Integer) { |v| o[:c] = v } }.parse(%w[-v --name=x --count 3 rest]); [o, rest] }
check("ipaddr") { i = IPAddr.new("192.168.1.0/24"); [i.include?("192.168.1.7"), i.to_s, i.to_range.first.to_s, IPAddr.new("10.0.0.9").succ.to_s, (IPAddr.new("10.0.0.9") | 6).to_s, i.inspect, IPAddr.new("10.0.0.1").to_i, i.ipv4?, IPAddr.new("::1").to_s, i.prefix] }
check("uri") { u = URI.parse("https://u:p@host.org:8443/p/a?q=1#f"); [u.host, u.port, u.path, u.query, u.scheme, u.user, u.fragment, u.to_s, u.class, URI.join("http://a/b/", "c").to_s, URI("http://x").port, URI.encode_www_form(a: 1, b: "x y")] }
check("digest") { [Digest::MD5.hexdigest("a"), Digest::SHA256.hexdigest("a")[0, 8], Digest::SHA1.new.update("a").hexdigest, Base64.encode64("hello" * 20), Base64.strict_encode64("a"), Base64.urlsafe_encode64("??>>"), Base64.decode64("aGk=")] }
check("csv") { CSV.parse("a,b\n1,\"x,y\"\n2,\n", headers: true).map(&:to_h) }
check("csv2") { [CSV.parse_line("a;b", col_sep: ";"), ["x", nil, 'q"r', "a,b"].to_csv, CSV.generate { |c| c << [1, 2] }, CSV.parse("a,b\n1,2\n", headers: true)["a"]] }
check("shell") { [Shellwords.split(%q(a "b c" d\ e 'f g')), "it's".shellescape, %w[a b\ c].shelljoin, "x y".shellsplit] }
check("time") { t = Time.utc(2024, 2, 29, 13, 5, 9); [t, t.strftime("%Y-%m-%d %H:%M:%S %j %a %b %-d %e %I %p %y %Z %z %s %%"), t + 86400, t.monday?, t.to_a.size, (t - Time.utc(2024)).class, t.iso8601, Time.at(0).utc.to_s, t.yday, Time.parse("2024-01-01 10:00:00 UTC").to_i, t <=> t + 1, t.round.to_s, t.to_date.to_s] }
check("gem") { v = Gem::Version.new("1.10.2"); [v > Gem::Version.new("1.9"), v.segments, v.bump.to_s, v.prerelease?, Gem::Requirement.new("~> 1.2").satisfied_by?(v), Gem::Version.new("2.0.0.rc1") < Gem::Version.new("2.0.0"), v.to_s, v.inspect, %w[1.9 1.10 1.2].sort_by { |x| Gem::Version.new(x) }, Gem::Dependency.new("x", "~> 1.0").match?("x", "1.5")] }
check("rational") { [Rational(1, 3) + 1, 0.5.to_r, 3.to_r, "2/4".to_r, Rational("0.75"), 1.quo(3)] }
check("define") { c = Class.new { %w[a b].each { |m| define_method("get_#{m}") { |x = 1, *y, k: 2| [m, x, y, k] } }; attr_writer :w }; o = c.new; [o.get_a, o.get_b(5, 6, k: 7), o.public_send(:get_a), c.instance_methods(false).sort, o.instance_variables] }
check("ieval") { o = Object.new; o.instance_eval { @z = 1; def hi = "hi#{@z}" }; [o.hi, o.singleton_methods, o.instance_variable_get(:@z), String.class_eval { self }, eval("1 + 2"), binding.local_variables.include?(:o), o.instance_exec(5) { |x| @z + x }] }
check("catch") { catch(:done) { 10.times { |i| throw :done, i if i == 4 }; :no } }
check("ensure") { r = []; begin; r << 1; raise "x"; rescue => e; r << e.message; retry if r.size < 4; else r << :else; ensure r << :ens; end; r }
check("cause") { begin; begin; raise "a"; rescue; raise ArgumentError, "b"; end; rescue => e; [e.cause.message, e.full_message(highlight: false).lines.first[/b \(ArgumentError\)/], e.backtrace.class] end }
check("custom") { class MyErr < StandardError; def initialize(msg = "default msg") = super; end; [rescue_all.() { raise MyErr }, rescue_all.() { raise MyErr, "x" }, rescue_all.() { raise MyErr.new("y") }] }
check("format") { [format("%-10s|%5.2f|%03d|%x|%+d|%e", "ab", 3.14159, 7, 255, 5, 12345.678), "%s and %p" % ["a", "b"], "%<a>d %{b}" % {a: 1, b: 2}, "%05.1f%%" % 99.5, "%c" % 65, "%b" % 10, "%o" % 8, "%10.3s|" % "abcdef"] }
check("str") { s = "Hello World"; [s.center(20, "*"), s.tr("lo", "01"), s.squeeze("l"), s.partition(" "), s.each_char.first(2), s.scan(/o/), s.sub("World") { |m| m.upcase }, s.index("o", 5), s.insert(5, ","), s.unpack("a3"), s.succ, s.ord, s.sum, s.hex] }
check("str2") { ["abc"[1..], "abc"[-2, 2], "a-b_c d".split(/[-_ ]/), "abc".each_char.with_index.map { |c, i| c * i }, "title case".split.map(&:capitalize).join(" "), "x=1&y=2".split("&").map { |kv| kv.split("=") }.to_h, "abc".unpack1("H*"), ["616263"].pack("H*"), "äö".bytes.size, "%08b" % 37, "abc" <=> "abd", "a".upto("e").to_a, "a,b".then { _1.split(",") }, "snake_case_word".gsub(/_(\w)/) { $1.upcase }, "ab\n".chomp, "xxhixx".delete("x"), "abc".casecmp?("ABC"), "line1\nline2".lines, "é".unicode_normalize(:nfc), "abc".start_with?("ab", "x"), "5 apples".to_i, "0x1A".hex, "1e3".to_f, "abc".encoding.to_s, "a".ljust(3, ".") + "|", "%.3e" % 0.00012, "abc".delete_suffix("c"), "a b".squeeze, "Ab".swapcase] }
check("arr") { a = [5, 3, 8, 1]; [a.sort { |x, y| y <=> x }, a.each_slice(2).to_a, a.each_cons(2).map(&:sum), a.partition(&:even?), a.group_by(&:odd?), a.inject(:+), a.zip([1,2,3,4]), a.rotate, a.minmax, a.sum.fdiv(a.size), a.each_with_index.max, a.tally, a.combination(2).count, a.permutation(2).first, [1,[2,[3]]].flatten(1), a.values_at(0,-1), [nil,1].compact, a.take_while { _1 > 2 }, a.chunk_while { |x,y| y > x }.to_a, a.slice_when { |x, y| y < x }.to_a, [[1,2],[3,4]].transpose, a.cycle.first(5), [3,1].product([4,5]), a.dig(0), a.bsearch { |x| x >= 3 }, a.filter_map { |x| x * 2 if x > 3 }, a.each_entry.to_a] }
check("hash") { h = {b: 2, a: 1}; [h.sort.to_h, h.min_by { |k, v| v }, h.transform_values { _1 * 2 }, h.transform_keys(&:to_s), h.invert, h.select { |k, v| v > 1 }, h.reject { |k, v| v > 1 }, h.group_by { |k, v| v.odd? }, h.each_with_index.map { |(k, v), i| [k, v, i] }, h.reduce(0) { |s, (k, v)| s + v }, h.merge({c: 3}) { |k, o, n| o + n }, h.any? { |k, v| v > 1 }, h.sum { |k, v| v }, h.to_a, h.find { |k, v| v == 2 }, h.sort_by { |k, v| v }.first, h.partition { |k, v| v > 1 }, h.each_with_object([]) { |(k, v), acc| acc << k }, h.dig(:a), h.key(2), h.filter_map { |k, v| k if v > 1 }, h.count, h.zip([1]), h.each_slice(1).to_a, h.max_by { |_, v| v }, h.sum { _2 }, h.compact, h.slice(:a), h.except(:a), Hash.new { |hh, k| hh[k] = k * 2 }.then { |x| [x[2], x] }, h.compare_by_identity.class, h.default, {"a" => 1}.deconstruct_keys(nil), h.flat_map { |k, v| [k] * v }, h.inspect, h.to_proc.call(:a), h.delete(:zz) { "no" }, h.entries, h.each_entry.to_a, h.none?, h.find_all { true }, h.update(d: 4), h.length] }
check("num") { [10.divmod(3), -7 / 2, -7 % 3, 7.fdiv(2), 2**100, 10.pow(3, 7), 3.7.round, 3.14159.round(2), 1234567.89.to_s, 1e20.to_i, 0.1 + 0.2, 10.digits, 255.to_s(2), "ff".to_i(16), 5.clamp(1, 3), 1_000.to_s.reverse.scan(/\d{1,3}/).join(",").reverse, 3.zero?, 10.gcd(4), -5.abs, 5.between?(1, 10), 1.0 / 3, 1e-5, 1e16, 123456789012345.0, 5.0.to_i, 2 ** -1, Integer.sqrt(17), 6.lcm(4), 3.14.truncate, 3.99.floor, -3.5.round, 2.5.round, 3.5.round, 1.5.rationalize(Rational(1,100)), 12.34.divmod(5), 1 <=> 2.0, 1 == 1.0, 1.eql?(1.0), 1.0.nan?, 100.to_s.rjust(6, "0")] }
check("logger") { io = StringIO.new; l = Logger.new(io); l.formatter = proc { |sev, _, prog, msg| "#{sev}: #{msg}\n" }; l.level = Logger::WARN; l.info("a"); l.warn("b"); l.error { "c" }; io.string }
check("stringio") { io = StringIO.new("a\nb\nc"); [io.gets, io.read, io.eof?, io.rewind, io.each_line.map(&:chomp), StringIO.new.tap { |o| o.puts "x"; o.print 1; o << 2; o.printf("%d", 3) }.string] }
check("timeout") { Timeout.timeout(2) { :ok } }
check("simpledel") { class Dec < SimpleDelegator; def extra = "x#{size}"; end; d = Dec.new([1,2]); [d.extra, d.first, d.is_a?(Array), d == [1,2], d.__getobj__] }
check("methods") { m = 5.method(:+); [m.call(3), [1,2].map(&10.method(:+)), m.unbind.class, m.owner, %w[1 2].map(&method(:Integer)), (m >> ->(x) { x * 2 }).call(1), :upcase.to_proc.call("a"), ->(a, b = 1, *c, d:, e: 2, **f, &g) {}.parameters, proc { |a, b| }.arity, lambda(&:to_s).arity] }
check("obj") { o = Object.new; def o.to_s = "custom"; ["#{o}", o.frozen?, 5.frozen?, :a.frozen?, "lit".frozen?, nil.to_a, o.dup.to_s =~ /#<Object/, o.clone.to_s, o.itself.equal?(o), 3.then { _1 + 1 }, o.instance_of?(Object), Integer === 3, (1..3) === 2, /a/ === "cat"] }
check("frozen") { CONST = %w[a b].freeze; [CONST.frozen?, CONST.first.frozen?, rescue_all.() { CONST << "c" }, CONST.map(&:upcase), "abc".dup << "d"] }
check("defined") { @iv = 1; [defined?(foo), defined?(@iv), defined?(@nope), defined?(puts), defined?(String), defined?(NopeC), defined?(3 + 3), defined?(yield), defined?(super), defined?(x = 1), defined?($stdout), defined?($nope), defined?(@@a), defined?(nil), defined?(self)] }
check("multi") { a, (b, *c), d = 1, [2, 3, 4], 5; *e, f = [1, 2, 3]; g, h = h, g; [a, b, c, d, e, f] }
check("ops") { a = nil; a ||= 5; a &&= a + 1; a += 1; b = [1]; b[3] ||= 9; h = Hash.new(0); h[:x] += 1; s = +"a"; s *= 3; [a, b, h, s, a <=> 3, !a, (not a), a&.to_s, nil&.foo, 5.!, (true ^ true), 6 & 3, 6 | 1, ~5, 1 << 4, -2.abs, 2 ** 3 ** 2] }
check("flow") { r = []; (1..10).each { |i| next if i.even?; break if i > 7; r << i }; i = 0; until i >= 3 do i += 1 end; r << i; begin; i -= 1; end while i > 0; r << i; for q, w in {a: 1} do r << q << w end; r << (1..3).each_with_index.to_a; r << [1,2,3].each_with_index.select { |x, j| j > 0 }; r << loop { break 7 }; r }
check("case") { [5, "x", :y, nil, 1.5, [1], {a: 1}].map { |v| case v when Integer, Float then "num" when /x/ then "rx" when Symbol then "sym" when nil then "nil" when Array then "arr" when ->(z) { z.is_a?(Hash) } then "lam" else "?" end } }
check("gsubhash") { "cat".gsub(/[aeiou]/, "a" => "4") + "a.b.c".gsub(".", "." => "-") + "John".gsub(/(?<f>J)/, '\k<f>\0') }
check("globals") { "abc" =~ /b(c)/; [$~[0], $1, $`, $', $+, $0.class, $,, $/, $;, __method__.inspect, __LINE__.class, __FILE__.class, __dir__.class] }
check("data") { DATA.read.lines.size }
at_exit { puts "bye" }
END { puts "END" }
BEGIN { puts "BEGIN" }
__END__
line1
line2
