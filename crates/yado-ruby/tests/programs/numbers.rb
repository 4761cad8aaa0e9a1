p 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7.fdiv(2), 7.divmod(-2), 2**10, 2**0.5, 10.0 / 3, 1e20.to_i, 3.7.to_i, -3.7.round, 2.5.round, 3.14159.round(2), 1234.567.round(-2), 15.round(-1), 3.2.ceil, 3.7.floor, 1_000_000, 0x1f, 0b11, 0o17
p 10.to_s(2), 255.to_s(16), 65.chr, 5.clamp(1, 3), 5.between?(1, 10), 10.gcd(4), 10.lcm(4), 3.zero?, 0.zero?, 5.pred, 5.succ, -5.abs, 5.digits, 10.bit_length, 1 <=> 2, 1 == 1.0, 1.eql?(1.0), 1.equal?(1), 5.0.to_s, 1e100, 1.0e-5, 100.0, 1e15, 1e16, 0.1 + 0.2, 1.23456789012345e+25
p 3.times.to_a, 1.upto(3).to_a, 3.downto(1).to_a, 1.step(10, 3).to_a, (1..10).step(4).to_a, 1.0.step(2.0, 0.5).to_a, 10.pow(3, 7), 5 & 3, 5 | 3, 5 ^ 3, ~5, 1 << 10, 1024 >> 3, 6[1], 2**70, 2**64 - 1, -(2**65), 12345678901234567890 * 10
p Integer("0x1F", 16), Integer("42"), Float("1.5"), Integer("z", exception: false), "5".to_i + 5, 5.to_f, 5.0.to_i, Float::INFINITY, -Float::INFINITY, 0.0 / 0.0, 1.0.nan?, (1.0 / 0).infinite?, 3.7 % 1, -3.7.truncate, 1.5.floor, 1e3.to_i, 12.34.divmod(5), 1
p 1.is_a?(Comparable), 1.is_a?(Numeric), 3.integer?, 3.0.integer?, 5.even?, 5.odd?, 3.14.to_s, 3.0 * 2, 1
begin; 1 / 0; rescue ZeroDivisionError => e; puts e.message; end
begin; 1 + nil; rescue => e; puts e.message; end
begin; 1 + "a"; rescue => e; puts e.message; end
begin; 1 < nil; rescue => e; puts e.message; end
begin; 1.5 < "a"; rescue => e; puts e.message; end
begin; [1, nil].sum; rescue => e; puts e.message; end
begin; Integer(nil); rescue => e; puts e.message; end
begin; Integer([1]); rescue => e; puts e.message; end
begin; 5.foo; rescue => e; puts e.message; end
p Comparable.instance_method(:clamp).class, (1..5).sum, (1...5).to_a, ("a".."e").to_a, (1..10) === 5, (1..).first(2), (1..10).include?(11), ("a".."z").cover?("mm"), (1..3).inspect, (1...3).size, (0.5..1.5).include?(1), (1..3).reverse_each.to_a, (1..6).each_slice(2).to_a, (1..3).zip(4..6), ((1..3) == (1..3)), Range.new(1, 3, true), (1..3).minmax, (1..0).max, (1..3).inject(:*), (1..Float::INFINITY).lazy.map { |x| x * 2 }.first(2)
