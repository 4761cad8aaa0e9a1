# more realistic Vagrantfile-like Ruby
require 'ostruct' rescue nil
module Helpers
  extend self
  def deep_merge(a, b)
    a.merge(b) { |_, x, y| x.is_a?(Hash) && y.is_a?(Hash) ? deep_merge(x, y) : y }
  end
end
p Helpers.deep_merge({a: {b: 1}}, {a: {c: 2}})
class Config
  DEFAULTS = { cpus: 2, memory: 1024 }.freeze
  attr_reader :settings
  def initialize(overrides = {}); @settings = DEFAULTS.merge(overrides); end
  def [](k) = @settings[k.to_sym]
  def method_missing(name, *args, &block)
    key = name.to_s
    return @settings[key.chomp("=").to_sym] = args[0] if key.end_with?("=")
    return @settings[name] if @settings.key?(name)
    super
  end
  def respond_to_missing?(name, priv = false) = @settings.key?(name) || super
  def to_h = @settings.dup
end
c = Config.new(memory: 2048)
c.box = "debian"
p c.box, c[:cpus], c["memory"], c.respond_to?(:box), c.respond_to?(:nope)
begin
  c.nope
rescue NoMethodError => e
  puts e.message.sub(/0x\h+/, "0x")
  p e.name
end
class Machine
  class << self
    def registry; @registry ||= {}; end
    def define(name, **opts, &block)
      registry[name] = new(name, **opts).tap { |m| m.instance_eval(&block) if block }
    end
    alias_method :machine, :define
  end
  attr_accessor :name, :ip, :roles
  def initialize(name, ip: nil, roles: [])
    @name, @ip, @roles = name, ip, roles
  end
  def role(*r); @roles += r; self; end
  def <=>(o) = name.to_s <=> o.name.to_s
  include Comparable
end
Machine.define(:web, ip: "10.0.0.1") { role :www, :proxy; role :ssl }
Machine.machine :db
Machine.registry.each_value { |m| puts "#{m.name}: #{m.ip || 'none'} #{m.roles.join('/')}" }
p Machine.registry.values.max.name, Machine.registry.values.sort.map(&:name)
(1..3).each do |i|
  name = "node-%02d" % i
  ip = "192.168.50.#{i + 10}"
  puts "#{name.ljust(10)}#{ip}"
end
script = <<-SCRIPT
  echo "#{c.box}"
  echo '#{[1, 2].map { |x| "n#{x}" }.join(' ')}'
SCRIPT
puts script
puts script.lines.map(&:strip).reject(&:empty?).join("; ")
$nodes = %w(a b).map.with_index(1) { |n, i| { name: n, idx: i, "str" => i.to_s } }
p $nodes
$nodes.each do |node|
  node => {name:, idx:}
  puts "#{name}#{idx}"
end
def box_for(os)
  case os
  when /^ubuntu(?:-(\d+))?$/i then "ubuntu/#{$1 || 'latest'}"
  when "debian", "devuan" then "debian/x"
  else raise ArgumentError, "unknown os: #{os.inspect}"
  end
end
puts box_for("ubuntu-22"), box_for("Ubuntu"), box_for("debian")
begin; box_for(nil); rescue => e; puts "#{e.class}: #{e.message}"; end
num = ENV["NUM_NODES"] ? ENV["NUM_NODES"].to_i : 2
puts num
mem = (ENV['MEM'] || 512).to_i
puts mem.class
ports = { 80 => 8080, 443 => 8443 }
ports.each { |guest, host| puts "#{guest} -> #{host}" }
list = ["x", nil, "y"].compact
list.unshift("w").push("z")
list.concat(%w[q r])
list.delete("x")
list -= ["q"]
p list, list.index("y"), list.rindex("z"), list * ",", list.first, list[-1], list[1..], list[0, 2], list.include?("r")
result = if list.empty? then :none
         elsif list.size > 3 then :many
         else :few
         end
p result
puts [1, 2, 3].inject { |s, x| s + x }, (1..10).step(3).map { |x| x }.inspect
h = Hash.new { |hh, k| hh[k] = [] }
h[:a] << 1; h[:b] << 2; h[:a] << 3
p h, h.keys, h.values, h.length
puts h.map { |k, v| "#{k}=#{v.join('+')}" }.sort.join('&')
x = [[1, 2], [3, 4]].each_with_object({}) { |(a, b), acc| acc[a] = b }
p x, x.sum { |a, b| a * b }
def opts(name, opts = {}, *rest, &blk) = [name, opts, rest, blk&.call]
p opts("n", memory: 1, "cpus" => 2) { :b }
p opts "n", { a: 1 }, 3
puts "%-10s|%5d|%05.1f|%+d|%x|%o|%e|%s" % ["ab", 42, 3.14159, 5, 255, 8, 12345.678, :sym]
puts "abc" "def", 'it''s', "tab\there"
str = String.new
str << "a" << "b" << 99
puts "caf\u00e9".upcase, "ß".length
v = [3, 1, 2]
v.sort!.reverse!
p v, v.minmax, v.sum.fdiv(v.size).round(2)
p "a,b;c d".split(/[,; ]/), "k=v=w".split("=", 2), "path/to/file.rb".rpartition("/"), "x".center(5, "*"), "Hello World".swapcase, "hello"[1..3], "hello"[-3..], "a-b_c".tr("-_", "  "), "aaa".squeeze, "abc".include?("b"), "title case".split.map(&:capitalize).join(" ")
p "line1\nline2\r\n".lines, "line1\nline2\r\n".each_line.map(&:chomp), "  x ".strip, "xxhixx".delete("x"), "100%".sub("%", " percent"), "snake_case_word".split("_").each_with_index.map { |w, i| i.zero? ? w : w.capitalize }.join
p 10.clamp(1, 5), 3.14.floor, 3.99.to_i, -3.5.round, 2.5.round, 1234567.to_s.reverse.scan(/\d{1,3}/).join(",").reverse, 255.to_s(2), "ff".to_i(16), 1e3.to_i, 5.pred, 10.gcd(4), 10.digits
p [1, 2, 3, 4, 5].each_slice(2).map(&:sum), [1, 2, 3].each_cons(2).to_a, [[1, :a], [2, :b]].to_h { |a, b| [b, a] }, [1, 1, 2].tally, %w[apple bob cat].group_by(&:size), [5, 3, 9].each_with_index.max, [1, 2, 3, 4].find_index(3), (1..6).each_slice(3).to_a, [nil, 1, false].compact, [3, 1].minmax, [1, [2, [3, [4]]]].flatten(1), [1, 2, 3].rotate, [1, 2, 3, 4].take_while { |q| q < 3 }, [1, 2, 3].drop(1), [1, 2] | [2, 3], [1, 2] & [2], [4, 5].product([1, 2]), [1, 2, 3].combination(2).to_a, ["a", "b"].cycle(2).to_a, [1, 2, 3, 4].each_entry.to_a
BasicObject.instance_methods.sort.first(3).each { |mm| puts mm }
puts [true, false].map { |b| b ? "y" : "n" }.join, (true ^ true), (nil.to_a + [1]).inspect
END { puts "bye" }
begin
  Object.const_get(:NoSuch)
rescue NameError => e
  puts e.message, e.name.inspect
end
begin
  [1, 2].first("x")
rescue TypeError => e
  puts e.message
end
begin; Float("x"); rescue ArgumentError => e; puts e.message; end
begin; [3, "a"].sort; rescue ArgumentError => e; puts e.message; end
begin; raise "a" rescue raise TypeError, "b"; rescue => e; puts e.message, e.cause&.message.inspect; end
begin; def kk(a:, b: 1); end; kk(c: 1, a: 2); rescue ArgumentError => e; puts e.message; end
begin; [].fetch(3); rescue IndexError => e; puts e.message; end
begin; loop { raise StopIteration }; puts "stopped"; end
begin; :sym.unknown_thing; rescue NoMethodError => e; puts e.message; end
begin; obj = Object.new; obj.instance_variable_get("bad"); rescue NameError => e; puts e.message; end
begin; Comparable.new; rescue NoMethodError => e; puts e.message; end
begin; Integer.new; rescue NoMethodError => e; puts e.message; end
begin; eval("1 + "); rescue SyntaxError => e; puts e.class; end
begin; Class.new(5); rescue TypeError => e; puts e.message; end
begin; class String2 < Strin; end; rescue NameError => e; puts e.message; end
begin; class Machine < String; end; rescue TypeError => e; puts e.message; end
begin; module Machine; end; rescue TypeError => e; puts e.message.lines.first; end
begin; x = 5; x.foo = 3; rescue NoMethodError => e; puts e.message; end
begin; x = nil; x[:a]; rescue NoMethodError => e; puts e.message; end
begin; x = nil; x[:a] = 1; rescue NoMethodError => e; puts e.message; end
begin; x = nil; x << 1; rescue NoMethodError => e; puts e.message; end
begin; x = nil; x.each { }; rescue NoMethodError => e; puts e.message; end
begin; super_me = Class.new { def q; super; end }.new.q; rescue NoMethodError => e; puts e.message.sub(/0x\h+/, "0x").sub(/0x\h+/, "0x"); end
