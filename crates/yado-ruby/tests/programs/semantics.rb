# edge semantics
class Parent
  def initialize(*args, **kw, &blk); @args, @kw = args, kw; end
  attr_reader :args, :kw
  def tmpl(a, b = 2, *c, d: 4, **e); [a, b, c, d, e]; end
  def self.create(*a, **k, &b) = new(*a, **k, &b)
end
class Child < Parent
  def initialize(x, y: 0, **rest); super; end
  def tmpl(a, b = 5, *c, d: 6, **e)
    b += 1
    [super, super(a), super(a, d: 1), super()] rescue $!.message
  end
end
c = Child.create(1, y: 2, z: 3)
p c.args, c.kw, c.tmpl(1, 2, 3, d: 9, q: 1)
# super in singleton, in module, in define_method with explicit args
module Log; def run(x) = "log(" + super + ")"; end
class Base0; def run(x) = "base#{x}"; end
class Impl < Base0; include Log; def run(x) = "impl<" + super + ">"; end
p Impl.new.run(1)
class Impl2 < Base0; define_method(:run) { |x| "dm:" + super(x) }; end
p Impl2.new.run(2)
o = Impl.new
def o.run(x) = "single " + super
p o.run(3)
class Base0; class << self; def make = "made #{name}"; end; end
class Impl; def self.make = super + "!"; end
p Impl.make
# block passing through
def outer(&b) = inner(&b)
def inner; yield 1, 2; end
outer { |a, b| p [a, b] }
def blk_to_proc(&b) = b
pr = blk_to_proc { |x, y = 2| [x, y] }
p pr.call(1), pr.(1, 3), pr.yield([5, 6]), pr.lambda?
p [[1, 2], [3, 4]].map(&pr)
# next / break / redo values
p [1, 2, 3].map { |x| next x * 10 if x == 2; x }
p [1, 2, 3].each_with_index.find { |x, i| break "broke #{i}" if x == 2 }
n = 0
r = [1, 2].map { |x| n += 1; redo if n == 1; x }
p r, n
# nested break in while inside block
p [1, 2].map { |x| i = 0; while true; i += 1; break if i > x; end; i }
# ensure ordering
def order
  yield
ensure
  print "E1 "
end
order { order { print "in " } }
puts
def ret_in_block; order { return :ret }; :no; end
p ret_in_block
p((catch(:a) { catch(:b) { throw :a, 1 }; 2 }))
# exception in ensure, else
def e1; begin; :body; rescue; :res; else; :els; ensure; print "ens "; end; end
p e1
begin
  begin; raise "one"; ensure; begin; raise "two"; rescue => x; print x.message, " "; end; end
rescue => y
  p y.message, y.cause
end
begin
  begin; raise "inner"; rescue => e; raise ArgumentError, "outer", cause: nil; end
rescue => z; p z.cause; end
begin; raise RuntimeError.new("obj"), "override"; rescue => e; p e.message; end
begin; raise StandardError; rescue => e; p e.message; end
x = begin Integer("42") rescue 0 end
p x
def raiser = raise(NotImplementedError, "#{self.class}##{__method__} not implemented")
begin; raiser; rescue NotImplementedError => e; p e.message, e.is_a?(StandardError); end
begin; raise Exception, "exc"; rescue StandardError; p 1; rescue Exception => e; p e.message; end
err = (raise "q" rescue $!)
p err.class, err.backtrace.class, err.full_message.include?("q")
class RetryErr < StandardError; def message = "custom msg"; end
begin; raise RetryErr; rescue => e; p e.message, e.inspect, e.to_s; end
# method objects & to_proc & refs
m = "abc".method(:upcase)
p m.call, m.unbind.bind("x").call, %w[1 2].map(&method(:Integer))
um = String.instance_method(:length)
p um.bind_call("four")
# comparable, spaceship, enumerable
class V; include Comparable; attr_reader :n; def initialize(n) = @n = n; def <=>(o) = n <=> o.n; def succ = V.new(n + 1); def inspect = "V#{n}"; def to_s = n.to_s; end
p V.new(1) < V.new(2), [V.new(3), V.new(1)].min, V.new(2).between?(V.new(1), V.new(3)), V.new(5).clamp(V.new(1), V.new(3)), (V.new(1)..V.new(3)).to_a, V.new(1) == V.new(1)
# numbers & implicit
p 7.0 / 2, 7 % -3, -7 % 3, 2 ** 0.5, 10 ** 20, 5 <=> "a", 1 == "1"
a = [1, 2, 3, 4, 5]
first, second, *rest, last = a
p first, second, rest, last
(a, b), *c = [[1, 2], 3, 4]; p a, b, c
h = {x: 1, y: 2}
h => {x:}
p x
in_check = h in {x: Integer}
p in_check
def dflt(a, b = a + 1, c: a + b) = [a, b, c]
p dflt(1), dflt(1, 5), dflt(1, c: 0)
def swap(a, b) = [b, a]
x, y = swap 1, 2
p x, y
$stdout.print "x", "y\n"
$stdout.write("w\n")
STDOUT << "a" << 1 << "\n"
$, = nil
puts [1, [2, [nil, 3]]].flatten.inspect
puts "#{"nested #{"deep #{1 + 1}"}"}"
puts 'single #{x}', "esc \#{x}", "a\\nb"
s = %q{braces {nested} ok}
puts s
puts %[brackets #{1}], %|pipe|, %(paren (x))
p %w[], %i[a b], %w[a\ b c]
p "a" "b" 'c'
p :"foo bar", :'x', %s(sym)
p "abc" =~ /b/, $~[0], $~.pre_match, Regexp.last_match(0)
p "2024-01-02".match(/(\d+)-(\d+)/).captures, "x".match?(/y/), "k: v"[/(\w+): (\w+)/, 2]
case "hello123"
when /\A[a-z]+(\d+)\z/ then puts "digits #{$1}"
end
re = /#{Regexp.escape("a.b")}/i
p re, "xA.Bx" =~ re, re.source, re.options
p "foo bar baz".gsub(/(?<first>\w)(\w*)/) { $~[:first].upcase }, "path".gsub(/[aeiou]/, "a" => "4"), "a1b2".gsub(/\d/) { |d| (d.to_i * 2).to_s }
p __method__.inspect
def meth_with_rescue
  Integer("x")
rescue ArgumentError => e
  "rescued #{e.class}"
else
  "else"
ensure
  print "ensure "
end
p meth_with_rescue
v = [1, 2, 3]
  .map { |x| x * 2 }
  .select { |x| x > 2 }
  # comment in chain
  .reduce(:+)
p v
val = if v > 5 && !v.nil? and not v.zero? then "cond" end
p val
puts [*1..3, *[4, 5]].inspect, [*"a".."c"].inspect, {**{a: 1}, b: 2}.inspect
puts (1..3).each_with_object([]) { |i, acc| acc.unshift(i) }.inspect
i = 10
i -= 1 until i < 5
p i
begin; i += 1; end while i < 8
p i
p (i > 5 ? "big" : "small"), (i if false)
loop_result = loop do
  i += 1
  next if i.odd?
  break i if i > 12
end
p loop_result
1.step(10, 3) { |k| print k, " " }
10.step(1, -4) { |k| print k, " " }
puts
p 5.downto(1).select(&:even?), 3.upto(6).inject(:*)
printf("%s-%d\n", "a", 1)
p [__LINE__, __FILE__ =~ /h\.rb|semantics/ ? 1 : 0]
at_exit { p :exit_handler }
