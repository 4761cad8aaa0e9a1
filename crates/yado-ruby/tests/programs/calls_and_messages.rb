# procs & args
def kw(a, b: 2, **r); [a, b, r]; end
p kw({x: 1}), kw(1, b: 3, c: 4)
begin; kw(b: 1); rescue ArgumentError => e; puts e.message; end
def req(a:, b:); end
begin; req; rescue ArgumentError => e; puts e.message; end
begin; req(a: 1, b: 2, c: 3, d: 4); rescue ArgumentError => e; puts e.message; end
begin; req(1, a: 1, b: 2); rescue ArgumentError => e; puts e.message; end
begin; req(1); rescue ArgumentError => e; puts e.message; end
def opt(a, b = a * 2, *c, d); [a, b, c, d]; end
p opt(1, 2), opt(1, 2, 3), opt(1, 2, 3, 4, 5)
def fwd(...) = opt(...)
p fwd(1, 2)
def anon(*, **, &b) = 1
p anon(1, a: 2)
pr = proc { |a, (b, c), *d, e: 5| [a, b, c, d, e] }
p pr.call(1, [2, 3], 4, e: 6), pr.(1), pr[[1, [2, 3]]]
p [[1, [2, 3]], [4, [5, 6]]].map { |a, (b, c)| a + b + c }
p({a: 1}.map { |k, v| [k, v] })
p [1, 2].each_with_object([]) { |x, acc| acc << x }
def ret; [1, 2, 3].each { |x| return x if x == 2 }; nil; end
p ret
p [1,2,3].inject { |a, b| a + b }, [1,2,3].inject(:+)
c = 0
c += 1 while c < 10
p c
begin c += 1 end while c < 5
p c
until c == 0 do c -= 1; next if c == 5; break if c == 3 end
p c
for i in 1..3 do print i end
puts
for a, b in [[1, 2], [3, 4]]; print a, b; end
puts
puts [1, 2, 3].each_slice(2).to_a.inspect
# lambdas
counter = 0
inc = -> { counter += 1 }
3.times(&inc) rescue puts $!.message
inc.(); p counter
add = lambda { |x, y| x + y }
p add.curry[1][2]
sq = proc { |x| x * x }
p (sq >> ->(x) { x + 1 }).call(3), (sq << ->(x) { x + 1 }).call(3)
begin; add.call(1); rescue ArgumentError => e; puts e.message; end
p add.parameters, method(:kw).parameters, method(:opt).arity, proc { |x, y=1| }.arity, proc { || }.arity, proc { |*a| }.arity, lambda { |a, b: | }.arity
# numbered
p [1, 2, 3].map { _1 * 2 }
p [[1, 2]].map { _1 + _2 }
# string formatting
puts "%s and %p" % ["a", "b"], "%-5s|" % "x", "%x" % 255, "%08.3f" % 3.14159
# heredocs
def hd(a, b); a + b; end
puts hd(<<~A, <<-B)
  first #{1 + 1}
    indented
A
  second
  B
puts <<'RAW'
no #{interp} \n
RAW
puts <<~"X".lines.map(&:strip).join("|")
  a
  b
X
# constants
module A
  X = 1
  module B
    Y = X + 1
    def self.y; Y; end
  end
  class C; def x; X; end; end
end
p A::B.y, A::C.new.x, A.constants.sort, A::B.name
p Object.const_get("A::B::Y"), A.const_defined?(:Z)
begin; A::Z; rescue NameError => e; puts e.message; end
class A::D; def x; defined?(X); end; end
p A::D.new.x
module A; def self.const_missing(n); "missing #{n}"; end; end
p A::Q
# singleton
class Conf
  class << self
    attr_accessor :v
    def setup; yield self; end
    private def priv; end
  end
end
Conf.setup { |c| c.v = 9 }
p Conf.v
begin; Conf.priv; rescue NoMethodError => e; puts e.message; end
# globals
$g = 1
alias $gg $g
p $gg
# method_missing w/ setter
class Dyn
  def initialize; @h = {}; end
  def method_missing(n, *args)
    s = n.to_s
    if s.end_with?("=") then @h[s.chomp("=").to_sym] = args.first
    else @h.fetch(n) { super } end
  end
  def respond_to_missing?(*) = true
end
dy = Dyn.new
dy.foo = 5
p dy.foo
begin; dy.bar; rescue NoMethodError => e; puts e.message[0, 30]; end
dy.foo += 1
p dy.foo
# prepend
module Loud; def speak; super.upcase; end; end
class Cat; prepend Loud; def speak; "meow"; end; end
p Cat.new.speak, Cat.ancestors.first(2)
# super chain with kwargs
class P1; def initialize(a, k: 1, &b); @r = [a, k, b&.call]; end; attr_reader :r; end
class P2 < P1; def initialize(a, k: 2, &b); a += 1; super; end; end
p P2.new(1) { 3 }.r
class P3 < P1; def initialize(*); super; end; end
p P3.new(1).r
# instance_eval / exec
class Box; def initialize; @v = 1; end; end
p Box.new.instance_eval { @v }, Box.new.instance_exec(5) { |x| @v + x }
Box.class_eval do
  def z; @v * 10; end
  attr_accessor :v
end
p Box.new.z
Box.send(:define_method, :dm) { |a = 2, *r, k: 1| [a, r, k, @v] }
p Box.new.dm(1, 2, k: 3)
p Box.instance_methods(false).sort
# freeze
s = "abc".freeze
begin; s << "d"; rescue FrozenError => e; puts e.message; end
begin; {a: 1}.freeze[:b] = 1; rescue => e; puts e.message; end
class Fz; attr_accessor :a; end
f = Fz.new.freeze
begin; f.a = 1; rescue => e; puts e.message.sub(/0x\h+/, ""); end
# exceptions
class MyErr < StandardError
  def initialize(msg = "default my"); super; end
end
begin; raise MyErr; rescue => e; p e, e.message; end
begin; raise MyErr, "custom"; rescue => e; p e; end
begin; raise MyErr.new("obj"); rescue MyErr, ArgumentError => e; p e.message; end
def ens; yield; ensure; puts "ens"; end
ens { puts "in" }
p((begin; Integer("z"); rescue; "resc"; end))
x = Integer("q") rescue "mod"
p x
begin
  begin; raise "a"; rescue => e; raise "b"; end
rescue => e
  p e.message, e.cause.message
end
def deep(n); n == 0 ? raise("deep") : deep(n - 1); end
begin; deep(2); rescue => e; puts e.backtrace.first(3).map { |l| l.sub(/^.*\//, "") }; end
p (raise "x" rescue $!.message), $!
def multi; return 1, 2; end
p multi
begin; exit(2); rescue SystemExit => e; p e.status; end
begin; throw :x; rescue UncaughtThrowError => e; puts e.message; end
begin; [1].fetch(9); rescue IndexError => e; puts e.message; end
begin; {a: 1}.fetch(:b); rescue KeyError => e; puts e.message; end
begin; Integer("abc"); rescue => e; puts e.message; end
begin; nil + 1; rescue => e; puts e.message; end
begin; 1 + nil; rescue => e; puts e.message; end
begin; 1 + "a"; rescue => e; puts e.message; end
begin; "a" + 1; rescue => e; puts e.message; end
begin; [1] + nil; rescue => e; puts e.message; end
begin; Object.new.foo; rescue => e; puts e.message.sub(/0x\h+/, ""); end
begin; BasicObject.new.inspect; rescue => e; puts e.message.sub(/0x\h+/, ""); end
begin; 5.upcase; rescue => e; puts e.message; end
begin; "x".foo; rescue => e; puts e.message; end
begin; [1, 2].foo; rescue => e; puts e.message; end
begin; {a: 1}.foo; rescue => e; puts e.message; end
begin; String.foo; rescue => e; puts e.message; end
begin; :a.unknown; rescue => e; puts e.message; end
begin; raise Class; rescue TypeError => e; puts e.message; end
begin; def ov(a); end; ov; rescue => e; puts e.message; end
begin; 1 / 0; rescue => e; puts e.message; end
def so(n); so(n + 1); end
begin; so(0); rescue SystemStackError => e; puts e.message; end
