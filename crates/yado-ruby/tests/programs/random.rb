# Numbers that follow from a seed.
srand(42)
p rand, rand(10), rand(1..6), rand(1...2), rand(0.5), rand(7.9), rand(-9), rand(3..2)
p [1, 2, 3, 4, 5].shuffle, [1, 2, 3].sample, [9].sample, [].sample, [1, 2, 3].sample(0), [1, 2, 3].sample(9)
p srand(7), srand(0)

[0, 1, 7, -7, 2**32 - 1, 2**32, 2**40 + 3, 2**64, 10**30, -(10**30)].each do |seed|
  r = Random.new(seed)
  p r.seed, r.rand, r.rand(100), r.rand(2**33), r.rand(1.5), r.rand(3..9), r.rand(-5..-1), r.bytes(7).bytes
  p r.rand(1.0..2.0), r.rand(1.0...2.0), r.rand(0..0)
end

numbers = (1..40).to_a
(0..20).each { |count| p numbers.sample(count, random: Random.new(count)) }
p numbers.sample(39, random: Random.new(1)), numbers.shuffle(random: Random.new(5))
p numbers.sample(random: Random.new(3)), numbers.dup.shuffle!(random: Random.new(3)).first(3)
p Random.new(11).rand(2**62), Array.new(700) { |i| i }.sum { Random.new(1).rand(3) }
r = Random.new(99)
1500.times { r.rand }
p r.rand

[-1, 0, nil, "x", 2..1, 0.0].each do |limit|
  p Random.new(1).rand(limit)
rescue ArgumentError, TypeError => e
  puts "#{e.class}: #{e.message}"
end
begin
  [1].sample(-1)
rescue ArgumentError => e
  puts e.message
end
p Random.rand(1), Random.new_seed.class, Random.new.rand.between?(0, 1), rand.class, Random.rand(1.0).class, Random.bytes(3).size
