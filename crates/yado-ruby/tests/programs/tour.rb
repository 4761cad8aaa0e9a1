puts "hello"
x = 3
y = x + 4 * 2
puts "y=#{y}"
def add(a, b = 2, *rest, k: 1, **o, &blk)
  [a, b, rest, k, o, blk ? blk.call(a) : nil]
end
p add(1)
p add(1, 3, 4, 5, k: 7, z: 8) { |q| q * 2 }
class Animal
  attr_accessor :name
  @@count = 0
  KINDS = %w[cat dog].freeze
  def initialize(name); @name = name; @@count += 1; end
  def self.count; @@count; end
  def to_s; "#{self.class.name}(#{@name})"; end
  def <=>(o); name <=> o.name; end
  include Comparable
  protected def secret; 42; end
  private
  def hidden; 1; end
end
class Dog < Animal
  def initialize(name, breed: "mutt"); super(name); @breed = breed; end
  def peek(o); o.secret; end
end
d = Dog.new("rex", breed: "lab")
puts d, Animal.count, Dog.superclass, Dog.ancestors.take(3).inspect
p d.peek(Dog.new("a"))
begin; d.hidden; rescue NoMethodError => e; puts e.message.sub(/0x\h+/, "0x"); end
begin; d.secret; rescue NoMethodError => e; puts e.message.sub(/0x\h+/, "0x"); end
begin; foo; rescue NameError => e; puts e.message; end
begin; nil.upcase; rescue => e; puts e.message, e.class; end
begin; add; rescue ArgumentError => e; puts e.message; end
begin; Foo; rescue NameError => e; puts e.message; end
[1,2,3].each_with_index { |v, i| next if i == 1; puts "#{i}:#{v}" }
r = [1,2,3,4].each { |v| break v * 10 if v > 2 }
p r
h = { "a" => 1, b: 2, "c d": 3 }
p h
h.each { |k, v| puts "#{k}=#{v}" }
a, (b, *c), d2 = 1, [2, 3, 4], 5
p [a,b,c,d2]
case 5
when 1..3 then puts "low"
when Integer, Float then puts "num"
end
case {name: "x", age: 3}
in {name: String => n, age: Integer => ag} if ag > 2
  puts n, ag
end
v = catch(:done) { 10.times { |i| throw :done, i if i == 3 }; :never }
p v
l = ->(a, b = 2) { return a + b }
p l.(1), l.arity, l.lambda?
p (proc { |a, b| [a, b] }).call([1, 2])
puts <<~EOS
  one
    two #{x}
  three
EOS
p defined?(foo), defined?(puts), defined?(String), defined?(@a), defined?(x)
def m; yield 1, 2; end
m { |a| p a }
m { |a, b, c| p [a,b,c] }
z = [3,1,2].sort.map(&:to_s).join(",")
puts z
if "foo bar" =~ /(\w+) (\w+)/
  puts $1, $2, $~[0]
end
x = nil
p x&.length
x ||= 5
p x
module Greet
  def self.included(b); b.extend(ClassMethods); end
  module ClassMethods; def hi; "hi from #{self}"; end; end
  def greet; "greet #{name}"; end
end
class Dog; include Greet; end
puts Dog.hi, d.greet
o = Object.new
def o.method_missing(n, *a) = n.to_s.start_with?("x") ? [n, a] : super
def o.respond_to_missing?(n, p = false) = n.to_s.start_with?("x")
p o.xyz(1), o.respond_to?(:xab)
begin; o.abc; rescue NoMethodError => e; puts e.message.sub(/0x\h+/, "0x"); end
p [1, [2, [3]]].flatten, (1..5).to_a, 1.upto(3).to_a
puts [1,2,3].sum, 10.0 / 3, 7 / 2, -7 / 2, 2**10, 7 % 3
printf("%05d %s\n", 3, "x")
puts format("%.2f", 3.14159)
begin
  raise "boom"
rescue => e
  puts "#{e.class}: #{e.message}"
else
  puts "no"
ensure
  puts "ensured"
end
i = 0
begin
  i += 1
  raise ArgumentError, "x" if i < 3
  puts "ok after #{i}"
rescue ArgumentError
  retry
end
b = binding
b.local_variable_set(:qq, 3)
p b.local_variable_get(:qq), eval("x + 1"), eval("qq + 1", b)
define_method(:dm) { |a| a + 1 } rescue puts "no dm"
String.class_eval { def shout; upcase + "!"; end }
puts "abc".shout
puts __method__.inspect, __LINE__
BEGIN { puts "begin" }
at_exit { puts "bye" }
$stdout.puts "via stdout"
p "é".length, "abc"[1], "abc"[0,2], :sym.to_proc.call("x") rescue p $!
Struct.new(:a, :b).new(1, 2).then { |s| p s.a, s }
puts [3,1].frozen?, "a".frozen?, :a.frozen?
CONST = [1].freeze
begin; CONST << 2; rescue => e; puts e.class, e.message; end
puts (1..Float::INFINITY).lazy.map { |x| x * 2 }.first(3).inspect

