# control-flow corners
def m1
  [1, 2].each do |a|
    [3, 4].each do |b|
      next if b == 3
      return [a, b]
    end
  end
end
p m1
def m2; pr = Proc.new { return 5 }; pr.call; 6; end
p m2
def m3; l = lambda { return 5 }; l.call; 6; end
p m3
def m4; begin; return 1; ensure; puts "e4"; end; end
p m4
def m5; [1, 2, 3].each { |x| begin; break x * 2 if x == 2; ensure; print "e", x, " "; end }; end
p m5
def m6; yield; rescue LocalJumpError; :lj; end
p m6 { :ok }
def m7; loop { break 7 }; end
p m7
p [1, 2, 3].each_with_index.map { |x, i| next 0 if i == 0; x * i }
def m8
  x = 0
  begin
    x += 1
    raise "again" if x < 3
    "done #{x}"
  rescue
    retry
  ensure
    puts "ens8"
  end
end
p m8
def m9
  yield
  :not_here
end
p((m9 { break :broke }))
r = while true do break "w" end
p r
r = while false do end
p r
i = 0
res = until i >= 3 do i += 1; next if i == 2; print i; end
puts
p res
p (1..3).each { |x| }
p 3.times { }, 1.step(10, 4).to_a
begin
  proc_break = proc { break 1 }
  proc_break.call
rescue LocalJumpError => e
  puts e.message
end
def blk(&b) = b
begin
  blk { return 3 }.call if false
  z = blk { next 9; 10 }
  p z.call
end
def yielder; yield [1, 2], 3; end
yielder { |(a, b), c| p [a, b, c] }
yielder { |a| p a }
yielder { |a, *b| p a, b }
yielder { |*a| p a }
def y1; yield [1, 2]; end
y1 { |a, b = 5, *c| p [a, b, c] }
y1 { |a| p a }
y1 { |a, | p a }
y1 { |*a| p a }
y1 { |a, k: 1| p [a, k] }
y1(&lambda { |a| p a })
# closures
adders = (1..3).map { |i| ->(x) { x + i } }
p adders.map { |f| f.(10) }
cnt = 0
incr = -> { cnt += 1 }
incr.(); incr.()
p cnt
def counter; n = 0; [-> { n += 1 }, -> { n }]; end
inc, get = counter
inc.(); inc.()
p get.()
x = 10
[1].each { |i; x| x = i }
p x
1.times { y_in = 1 }
p defined?(y_in)
if false then never = 1 end
p never
# string mutability
s = "a"; t = s; t << "b"; p s
s += "c"; p s, t
def mut(s) = s << "!"
q = "hey"; mut(q); p q
h = {}; k = "key"; h[k] = 1; k << "x"; p h
h = Hash.new { |hash, key| hash[key] = key * 2 }
p h[2], h
h = Hash.new(0); "hello".each_char { |c| h[c] += 1 }; p h
p h.sort_by { |k, v| [-v, k] }.first(2), h.max_by { |_, v| v }, h.min_by { |k, v| v }, h.sum { |k, v| v }
p h.map { |k, v| "#{k}#{v}" }.join, h.select { |k, v| v > 1 }, h.reject { |k, v| v > 1 }, h.find { |k, v| v == 2 }, h.any? { |k, v| v > 1 }, h.to_a.transpose, h.invert, h.group_by { |k, v| v }, h.partition { |k, v| v > 1 }, h.each_with_index.map { |(k, v), i| [k, v, i] }, h.reduce(0) { |a, (k, v)| a + v }
p h.each_with_object({}) { |(k, v), acc| acc[v] = k }, h.sort { |a, b| a[0] <=> b[0] }, h.zip([1]), h.inject { |a, b| a }
def opts(o = {}) = o
p opts(a: 1), opts({b: 2}), opts("s" => 1, t: 2)
def kws(**kw) = kw
p kws(**{a: 1}, b: 2), kws("x": 1)
hh = {a: 1}
p kws(**hh, a: 2), opts(**hh)
def last_hash(a, h) = [a, h]
p last_hash(1, x: 2)
def splat_last(*a) = a
p splat_last(1, x: 2), splat_last(*[1, 2], **{}), splat_last(**{})
def opt_kw(a = {}, k: 1) = [a, k]
p opt_kw({x: 1}), opt_kw(k: 3)
begin; opt_kw(z: 3); rescue ArgumentError => e; puts e.message; end
a = 1; b = 2
p({a:, b:})
# objects
class Pt
  attr_reader :x, :y
  def initialize(x, y) = (@x, @y = x, y)
  def inspect = "#<Pt #{x},#{y}>"
  def to_s = "(#{x}, #{y})"
  def deconstruct = [x, y]
  def deconstruct_keys(k) = {x: x, y: y}
  def ==(o) = o.class == self.class && o.x == x
  alias eql? ==
  def hash = [x].hash
  def initialize_copy(o); @y = 99; end
end
pt = Pt.new(1, 2)
p pt, "#{pt}", [pt], {pt => 1}, pt.dup, pt == pt.clone, [pt, Pt.new(1, 5)].uniq, pt.eql?(Pt.new(1, 0))
case pt
in Pt(x, y) then p [x, y]
end
case pt
in {x: 1 => z} then p z
end
case pt
in Pt[a, _] then p a
end
class Empty; end
puts Empty.new.inspect.sub(/0x\h+/, ""), Empty.new.to_s.sub(/0x\h+/, "")
class Iv; def initialize; @a = 1; @b = "x"; end; end
puts Iv.new.inspect.sub(/0x\h+/, "")
p Iv.new.instance_variables, Iv.new.instance_variable_get(:@a)
p 5.frozen?, nil.to_s, nil.inspect, true & false, 1.eql?(1.0), 1 == 1.0, 1.equal?(1), "a".equal?("a"), 3.zero?, 1.between?(0, 2), 5.clamp(1, 3)
p Comparable.instance_methods.sort, Kernel.respond_to?(:puts, true)
p 1.class, 1.0.class, nil.class, (1..2).class, :a.class, [].class, {}.class, //.class, ->{}.class, Class.class, Module.class, Kernel.class, 1.method(:+).class, (2**70).class, 2**70
p Integer === 1, (1..3) === 2, /a/ === "cat", :a === :a, String === "s", Object.new.singleton_methods
puts [1, 2, 3].to_s + "x", "#{[1, "a", :b, nil, 1.5, {a: 1}]}"
puts "%s %s" % [[1, 2], {a: 1}], "a".."c", ("a".."c").inspect
puts 1e20.to_s, 1.0.to_s, 1e-5.to_s, 100000000000000000.0.to_s
puts 12345.6789.round(2), 10.fdiv(4), 7.divmod(-2).inspect, -7.abs, 3.7.to_i, "12abc".to_i, "0x1f".hex, "z".to_i, "3.7xyz".to_f
END { puts "END block" }
at_exit { puts "exit 1" }
puts "last"
