=begin
comment block
=end
class O; attr_accessor :b, :c; def []=(k, v); (@h ||= {})[k] = v; end; def [](k) = (@h ||= {})[k]; end
a = O.new
a&.b ||= 1; a.b += 2; a&.c ||= [1]; a.c&.push(2)
p a.b, a.c
a.b, a[:k], (x, *y), @iv, $gv = 1, 2, [3, 4, 5], 6, 7
p a.b, a[:k], x, y, @iv, $gv
module Mx; end
Mx::CONST ||= 5
Mx::CONST2 = 6
p Mx::CONST, Mx::CONST2, Mx::name
def a.val=(v); @v = v * 2; end
def a.val; @v; end
a.val = 4; p a.val
l = ->(x; z) { z = x; z }
p l.(3)
if (m = "abc".match(/b/)) && m[0] then p m[0] end
unless false then p 1 else p 2 end
v = Integer("zz") rescue -1
p v
for q, (r, s) in [[1, [2, 3]]] do p q, r, s end
p [1, 2, 3][1..], [1, 2, 3][..1], (1..nil).first(2)
def opt_args(*args, **opts, &blk) = [args, opts, blk&.call]
p opt_args(*[1, 2], **{a: 1}, &-> { 3 })
class Dm; define_method(:foo) { __method__ }; end
p Dm.new.foo
p __ENCODING__.to_s
str = "long " \
  "continued"
p str
t = <<~E.lines.map(&:chomp)
  a\tb
  c #{1}
E
p t
p <<~'R'
  raw \t #{x}
    keep
R
puts [<<~A, <<~B].inspect
  one
A
  two
B
w = [1, 2, 3].sum do |i| i * 2 end
p w

z = if false then 1 end
p z
i = 0
begin i += 1 end until i >= 3
p i
p [[1, 2], [3]].map { |a, *b| [a, b] }
h = {"a": 1, 'b' => 2, c: {d: [1, {e: 2}]}}
p h, h[:c][:d][1][:e], h.dig(:c, :d, 0)
def kwonly(a:, b: a * 2) = [a, b]
p kwonly(a: 1), kwonly(**{a: 2, b: 3})
def block_kw; yield a: 1, b: 2; end
block_kw { |a:, b:| p a + b }
block_kw { |h| p h }
block_kw { |**o| p o }
p (proc { |a, b = 2, *c, d, e:, f: 6, **g, &h| [a, b, c, d, e, f, g] }).call(1, 9, e: 5)
undef_test = Class.new { def a; end; undef a; undef_method(:to_s) }
p undef_test.new.respond_to?(:a)
class Multi
  X, Y = 1, 2
  A = B = 3
  def self.[](k) = "idx #{k}"
  def call(*a) = a
  def to_ary = [1, 2]
end
p Multi::X, Multi::Y, Multi::B, Multi[:z], Multi.new.(1)
f, g = Multi.new
p f, g
p [[1, 2]].each { |(a, b)| p a }
$stdout.sync = true
p $PROGRAM_NAME.class, $0.class, __dir__ == File.dirname(File.expand_path(__FILE__))
obj = Object.new
class << obj
  def hi = "hi"
  attr_accessor :zed
  ZC = 1
end
obj.zed = 3
p obj.hi, obj.zed
p obj.singleton_methods.sort
module Deep; module Er; class Klass; def self.where = Module.nesting; end; end; end rescue 0
p Deep::Er::Klass.name
p [1, 2, 3].frozen?, :a.frozen?, 1.frozen?, "lit".frozen?, nil.frozen?
case [1, [2, 3]]
in [Integer => a, [b, *]] if b == 2
  p a, b
end
case {k: "v", n: nil}
in {k: "v" | "w" => kv, n: nil} then p kv
end
data = {servers: [{name: "a", ip: "1"}, {name: "b"}]}
data[:servers].each do |srv|
  case srv
  in {name:, ip:} then puts "#{name} #{ip}"
  in {name:} then puts "#{name} dhcp"
  end
end
def rec_inspect = (arr = [1]; arr << arr; arr)
p rec_inspect
hh = {a: 1}; hh[:self] = hh; p hh
p "%.3e" % 12345.678, "%c" % 65, "%08b" % 37, "%+.1f" % 2.25, "%-8s|" % "ab", "%<a>d %{b}" % {a: 1, b: 2}
