# eval & binding & load & misc
def get_b; zed = 10; binding; end
b = get_b
p b.local_variables, b.eval("zed + 1"), b.local_variable_defined?(:nope)
eval("neww = 5", b); p eval("neww", b)
p b.receiver
x = 1
eval "x = 2"
p x
p eval("[__FILE__, __LINE__]", binding, "foo.rb", 77)
begin; eval("1 +"); rescue SyntaxError => e; puts "syntax"; end
begin; eval("raise 'in eval'", nil, "zz.rb", 5); rescue => e; puts e.backtrace[0]; end
class Foo
  eval "def hi; :hi; end"
  class_eval <<-R, __FILE__, __LINE__ + 1
    def there; :there; end
  R
  %w[a b].each { |n| define_method("get_#{n}") { n } }
  [:c, :d].each { |n| class_eval "def #{n}; '#{n}!'; end" }
end
f = Foo.new
p f.hi, f.there, f.get_a, f.c
f.instance_eval "def only; self.class; end"
p f.only, f.singleton_methods
p Foo.instance_method(:hi).name, f.method(:hi).owner, f.method(:hi).unbind.class
m = 5.method(:+)
p m.call(3), [1,2].map(&5.method(:+))
# class reopening, inheritance hooks
class Base
  @subs = []
  class << self; attr_reader :subs; end
  def self.inherited(k); super; Base.subs << k.name; end
end
class K1 < Base; end
K2 = Class.new(Base) { def q; 1; end }
p Base.subs, K2.new.q, K2.name
M = Module.new do
  def mod_m; "mm"; end
end
K1.include M
p K1.new.mod_m, K1.include?(M), M === K1.new
o = Object.new
o.extend(M)
p o.mod_m, o.singleton_class.include?(M), o.is_a?(M)
# class vars
class CV; @@a = 1; def self.a; @@a; end; def inc; @@a += 1; end; end
class CV2 < CV; def set(v); @@a = v; end; end
CV.new.inc; CV2.new.set(10)
p CV.a, CV.class_variable_get(:@@a), CV.class_variables
begin; class CV; @@nope; end; rescue NameError => e; puts e.message; end
# visibility
class Vis
  def pub; priv; end
  def pub2; self.priv; end
  def pubw; self.w = 3; @w; end
  private
  def priv; :priv; end
  attr_writer :w
  public
  def pub3; prot_of(self); end
  def prot_of(o); o.prot; end
  protected
  def prot; :prot; end
end
v = Vis.new
p v.pub, v.pub2, v.pubw, v.pub3, v.send(:priv), Vis.private_instance_methods(false).sort, v.respond_to?(:priv)
begin; v.public_send(:priv); rescue NoMethodError => e; puts e.message.sub(/0x\h+/, ""); end
# module_function
module MF
  module_function
  def helper(x) = x + 1
end
p MF.helper(2)
module MF2; def self.a; b; end; def self.b; :b; end; private_class_method :b; end
p MF2.a
begin; MF2.b; rescue NoMethodError => e; puts e.message; end
# alias & undef
class Al
  def a; :a; end
  alias b a
  alias_method :c, :a
  def a; :new_a; end
  undef_method :c rescue p $!
end
p Al.new.a, Al.new.b
begin; Al.new.c; rescue NoMethodError => e; puts e.message.sub(/0x\h+/, ""); end
begin; class Al; alias zz nope; end; rescue NameError => e; puts e.message; end
# alias chain (monkey patching)
class String
  alias_method :old_up, :upcase
  def upcase; "<" + old_up + ">"; end
end
p "a".upcase
class String; alias_method :upcase, :old_up; end
p "a".upcase
class Integer; def double; self * 2; end; end
p 4.double
# operators
class Vec
  attr_reader :x
  def initialize(x) = @x = x
  def +(o) = Vec.new(x + o.x)
  def -@ = Vec.new(-x)
  def [](i) = x * i
  def []=(i, v); @x = i + v; end
  def ==(o) = o.is_a?(Vec) && x == o.x
  def !; :not; end
  def call(a) = a
  def coerce(n) = [Vec.new(n), self]
  def to_str = "vec"
  def to_proc = ->(a) { a * x }
  def =~(o) = :match
  def each; yield 1; yield 2; yield 3; end
  include Enumerable
  def hash = x.hash
  def eql?(o) = x == o.x
end
a = Vec.new(2)
p (a + a).x, (-a).x, a[4], (a[1] = 5), a.x, a == Vec.new(6), a != Vec.new(6), !a, a.(3), "x" + a, [1, 2].map(&a), a =~ 1
a[1] += 1
p a.x
p a.map { |q| q + 1 }, a.include?(2), a.sort_by { |q| -q }, a.first, a.first(2), a.reduce(:+), a.to_a, a.min, a.each_slice(2).to_a, a.each_with_index.to_a, a.entries, a.select(&:odd?), a.inject { |s, q| s + q }
p({Vec.new(1) => 1}[Vec.new(1)], [Vec.new(1), Vec.new(1)].uniq.size)
# safe nav & op assign
h = {a: {b: 1}}
p h[:a]&.fetch(:b), h[:z]&.fetch(:b), h.dig(:a, :b)
h[:c] ||= []
h[:c] << 1
h[:n] = (h[:n] || 0) + 1
h[:a][:b] += 5
p h
class Sv; attr_accessor :v; def initialize(v) = @v = v; end; s = Sv.new(1)
s.v += 1; s.v ||= 4; s&.v += 1
p s.v
@iv ||= "iv"; p @iv
$gv ||= 1; p $gv
CN ||= 3; p CN
q = nil
q &&= q + 1; p q
# multiple assignment
a, b, *c = *[1, 2, 3, 4]; p [a, b, c]
*a, b = 1, 2, 3; p [a, b]
a, b = b, a; p [a, b]
(a, b), c = [1, 2], 3; p [a, b, c]
a = b = 5; p a + b
a, h[:x], s.v = 1, 2, 3; p a, h[:x], s.v
p((a, b = 3, 4))
a = *1..3; p a
a = *nil; p a
a, b = {x: 1}.first; p a, b
# case
def cs(x)
  case x
  when nil then "nil"
  when /^a(.)/ then "re #{$1}"
  when "x", "y" then "xy"
  when ->(n) { n.respond_to?(:even?) && n.even? } then "even"
  when *[7, 9] then "79"
  when Symbol then "sym"
  else "else"
  end
end
p cs(nil), cs("abc"), cs("y"), cs(4), cs(7), cs(:a), cs(3.3)
p (case when x == 1 then :one when x == 2 then :two end)
# patterns
def pm(v)
  case v
  in [] then "empty"
  in [Integer => a] then "one #{a}"
  in [Integer, Integer] | [Float, Float] then "pair"
  in [first, *, last] then "fl #{first} #{last}"
  in {type: :circle, r:} then "circle #{r}"
  in {name: String => n, **rest} then "#{n} #{rest}"
  in {a: nil} then "anil"
  in String | Symbol => s then "ss #{s}"
  in 1.. => n unless n > 100 then "pos #{n}"
  in ^(1 - 6) then "pinned"
  in nil then "nil"
  else "other"
  end
end
x = -5
p pm(-5), pm([]), pm([1]), pm([1, 2]), pm([1.0, 2.0]), pm([1, :a, "z"]), pm({type: :circle, r: 2}), pm({name: "n", z: 1}), pm({a: nil}), pm("s"), pm(:t), pm(5), pm(500), pm(nil)
cfg = {db: {user: "u", ports: [1, 2]}}
cfg => {db: {user:, ports: [pp1, *]}}
p user, pp1
p((1 in Integer), ("a" in Integer))
begin; case 5; in 6 then 1; end; rescue NoMatchingPatternError => e; puts e.message; end
begin; {a: 1} => {b:}; rescue NoMatchingPatternKeyError => e; puts e.message; end
case [1, 42, "x", :y]
in [*, String => str, *post] then p str, post
end
# gsub & regexp
p "hello world".gsub(/o(.)?/) { "0#{$1}" }, "John Smith".sub(/(?<f>\w+) (?<l>\w+)/, '\k<l> \k<f>'), "a-b".tr("-", "_")
if /(?<year>\d+)-(?<mon>\d+)/ =~ "2024-05"
  p year, mon
end
p "abc" =~ /z/, $~, "foo.bar"[/\.(\w+)/, 1], "x1y22".scan(/[a-z]\d+/), "a,b;c".split(/[,;]/)
p "test" !~ /x/, "path/to" =~ %r{/}
p $`, $', $&
# ranges & flipflop
p (1...10).step(3).to_a, ("a".."e").to_a, (1..10) === 5, (1..).first(2)
p (1..10).select { |i| true if (i == 3)..(i == 5) }
# strings
p "a#{1}b" 'c' "d", 'sq #{x} \n', "tab\t\u00e9\x41", ?a, %q(a(b)c), %w[a b #{x}], %W[a#{1} b], %i[a b], :"quoted sym", :"a#{1}", "a\
b"
p "%d%%" % 5, "ab" * 3, "abc" <=> "abd", "a".ord, "abc".each_char.to_a, "abc".succ
puts "é".bytes.inspect, "日本".reverse
# __END__ and others
p [__method__, self.to_s, self.inspect, self.class]
def mname; __method__; end
p mname
p ObjectSpace.respond_to?(:garbage_collect) || true
puts [1, nil, [2, [nil]]].to_s
puts nil.to_a.inspect, [nil, 1].compact.inspect
print "a", "b", 1, nil, "\n"
p
p 1, 2
puts [], [[]], nil, [nil], true
puts DATA.read
__END__
data line 1
data line 2
