# frozen_string_literal: true
s = "lit"
begin; s << "x"; rescue => e; puts e.message; end
t = +"dyn"; t << "x"; p t
u = "a#{s}"; u << "b"; p u
def trace; raise "t"; end
class Tr; def go; [1].each { |x| trace2 }; end; def trace2; raise ArgumentError; end; end
begin; Tr.new.go; rescue => e; puts e.backtrace.map { |l| l.sub(/^.*\//, "") }, e.message; end
begin; trace; rescue => e; puts e.backtrace.size; puts e.full_message(highlight: false).lines.first.sub(/^.*\//, ""); end
p caller.size
def c1 = caller(1, 1).map { |l| l.sub(/^.*\//, "") }
p c1
class Tr2
  attr_accessor :a, :b
  def initialize(**o) = o.each { |k, v| send("#{k}=", v) }
  def each; return enum_for(:each) unless block_given?; yield a; yield b; end
end
t2 = Tr2.new(a: 1, b: 2)
p t2.each.to_a, t2.each.next
x = [1, 2, 3].each
p x.next, x.next, x.next
begin; x.next; rescue StopIteration => e; puts e.message; end
e = Enumerator.new { |y| y << 1; y << 2; y.yield 3 }
p e.to_a, e.take(2)
begin
  raise IOError
rescue ArgumentError, TypeError
  p 1
rescue IOError, SystemCallError => er
  p er.message
end
E = [KeyError, IndexError]
begin; {}.fetch(:a); rescue *E => er; p er.class, er.key, er.receiver; end
class ValidationError < StandardError
  attr_reader :field
  def initialize(field, msg = nil) = (@field = field; super(msg || "#{field} is invalid"))
end
begin; raise ValidationError.new(:name); rescue ValidationError => er; p er.field, er.message; end
begin; raise ValidationError, :age; rescue => er; p er.message; end
def retry_it(n); tries = 0; begin; tries += 1; yield tries; rescue => e; retry if tries < n; raise; end; end
p retry_it(3) { |t| t < 3 ? raise("no") : t }
begin; retry_it(2) { raise "always" }; rescue => e; p e.message; end
r = [1, 2, 3].each_with_index.select { |v, i| i > 0 }.map(&:first)
p r
p [[1, :a], [2, :b]].each_with_object({}) { |(n, s), h| h[s] = n }
p (begin; 1; ensure; 2; end)
def ensure_ret; return 1; ensure; 2; end
p ensure_ret
def ens_override; begin; return 1; ensure; return 2; end; end
p ens_override
p [3, 1, 2].sort { |a, b| b <=> a }, [1, 2, 3, 4].partition(&:even?), %w[a b].each_with_index.to_h, [1, 2, 3].zip([4, 5, 6]), (1..4).each_cons(2).to_a
puts [1, 2, 3].cycle.first(5).inspect
h = {b: 1, a: 2}
h.each_pair { |k, v| print k, v, ";" }
puts
h.each.with_index(1) { |(k, v), i| print i, k, v, " " }
puts
h.delete(:b) { 0 }
p h, h.key?(:a), h.to_a, h.merge({c: 3}) { |k, o, n| o + n }, h.transform_values { |v| v + 1 }, h.map { |k, v| [k, v] }.to_h, h.sum { |k, v| v }, h.find { |k, v| v == 2 }, h.sort_by { |k, v| v }, h.min_by { |k, v| v }, h.each_with_index.to_a, h.filter_map { |k, v| k if v }, h.dig(:a), h.any?, h.all? { |k, v| v > 1 }, h.count, h.flat_map { |k, v| [k] * v }, h.reduce([]) { |a, (k, v)| a << k }
def blk_arity(&b) = b.arity
p blk_arity { }, blk_arity { |a| }, blk_arity { |a, b| }, blk_arity { |*a| }, blk_arity { |a, *b| }, blk_arity { |(a, b), c| }
pr = :upcase.to_proc
p pr.call("a"), pr.lambda?, %w[a b].map(&pr)
def m(a, b = 1, *c, d, e:, f: 2, **g, &h); end
p method(:m).parameters, method(:m).arity
p ->(){}.parameters, proc { |a, b| }.parameters, ->(a, b = 1) {}.parameters
def self.sing = :sing
p sing, self.singleton_methods.include?(:sing)
p __FILE__ == $0 || true, __LINE__, __dir__.class
p [1, 2, 3].then { |a, b| [a, b] }
p "abc".then { _1.upcase }
p((1..3).reduce(1) { _1 * _2 })
p [[1, [2, 3]]].each { |a, (b, c)| p a, b, c }
class Meta
  %w[x y].each_with_index do |n, i|
    define_method(n) { |z = i| z }
    define_method("#{n}?") { true }
  end
  def self.method_added(n); (@added ||= []) << n; end
  def later; end
  def self.added = @added
  private_constant :FOO rescue print ""
  SECRET = 1
  private_constant :SECRET
end
p Meta.new.x, Meta.new.y(5), Meta.new.x?, Meta.added
begin; Meta::SECRET; rescue NameError => e; puts e.message; end
p Meta.instance_methods(false).sort, Meta.method_defined?(:x), Meta.new.respond_to?(:y?)
obj = Class.new { def initialize(&b) = instance_eval(&b); def set(v) = @v = v; attr_reader :v }.new { set 5 }
p obj.v
module Plug; def self.extended(b) = puts("ext #{b}"); def plug = :plug; end
class UsesPlug; extend Plug; end
p UsesPlug.plug
class Object; def try_it(m, *a) = respond_to?(m) ? public_send(m, *a) : nil; end
p 5.try_it(:+, 3), nil.try_it(:foo)
p defined?(yield), defined?(super), defined?(String.new), defined?(zzz.foo), defined?(@@a), defined?($abc), defined?(Foo::Bar), defined?(3 + 3), defined?(x = 1), defined?(nil), defined?(self), defined?(true)
$; = nil
p [1, 2, 3] <=> [1, 2, 4], [1, 2] == [1, 2], [[1, 2], [3]].sum([]), [1, [2]].hash == [1, [2]].hash
puts <<~A + <<~B
  from a
A
  from b
B
puts(<<~X.upcase, "z")
  text
    more
X
z = [<<~ONE, <<~TWO].map(&:chomp)
  1
ONE
  2
TWO
p z
v = if true then 1 else 2 end
p v
w = while true do break end
p w
p (true and false), (not true), (nil or 1)
puts "a" if true && !false
print "no newline"; puts
p 1.+(2), 5.send(:-, 3), [1, 2, 3].public_send(:[], 1)
p "%s" % nil, "%p" % [nil], "#{nil}|#{true}|#{:s}"
puts "multi
line"
p 'a\'b', "a\"b", 'a\\b', "\e[0m", "\s", "\101", "\u{1F600}"
p :"a-b", :a?, :[]=, :"9x", {"a b": 1, "c": 2, :d? => 3}
p 1_000, 0b11, 0o17, 0xff, 1e3
p 5.times.map { |i| i ** 2 }, 10.downto(7).to_a, 1.step(2, 0.5).to_a
p "abc".frozen?, String.new("x").frozen?, :a.to_s.frozen?
p ENV["NOPE"], ENV.fetch("NOPE", "dflt"), ENV.key?("PATH")
puts "done"
