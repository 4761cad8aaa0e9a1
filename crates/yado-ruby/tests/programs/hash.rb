h = { a: 1, "b" => 2, 3 => [4], nil => nil, 1.5 => :x }
p h, h[:a], h["zz"], h.keys, h.values, h.size, h.key?(:a), h.value?(2), h.key(2), h.to_a, h.fetch(:a), h.fetch(:zz, 0), h.fetch(:zz) { |k| k.to_s }, h.dig(3, 0), h.values_at(:a, "b"), h.invert[1]
g = { b: 2, a: 1 }
p g.sort.to_h, g.min_by { |k, v| v }, g.sort_by { |k, v| v }, g.map { |k, v| [k, v * 2] }.to_h, g.to_h { |k, v| [v, k] }, g.select { |k, v| v > 1 }, g.reject { |k, v| v > 1 }, g.find { |k, v| v == 1 }, g.partition { |k, v| v > 1 }, g.sum { |k, v| v }, g.each_with_index.map { |(k, v), i| [k, v, i] }, g.any? { |k, v| v > 1 }, g.all? { |k, v| v > 0 }, g.count { |k, v| v > 1 }, g.max_by { |k, v| v }, g.group_by { |k, v| v.odd? }, g.inject(0) { |s, (k, v)| s + v }, g.each_with_object({}) { |(k, v), m| m[v] = k }
p g.merge({ c: 3 }), g.merge({ a: 5 }) { |k, o, n| o + n }, g.transform_values { |v| v.to_s }, g.transform_keys(&:to_s), g.slice(:a), g.except(:a), g.filter_map { |k, v| k if v == 1 }, g.reduce { |a, b| a + b }, g.to_a.flatten, g.entries, g.sort { |x, y| x[1] <=> y[1] }, g.zip([1, 2]), g.first, g.first(1), g.each_slice(1).to_a
d = Hash.new { |hash, k| hash[k] = k * 2 }; p d[2], d, Hash.new(5)[:x], Hash[[[1, 2]]], Hash[1, 2, 3, 4], d.default, Hash.new(3).default
g[:z] = 26; g.delete(:a); p g, g.delete(:nope), g.delete(:nope) { "none" }; g.store("k", "v"); g.update(x: 1); p g, g.length, g.shift, g.compact, g.empty?, {}.empty?, { a: nil }.compact, g.reject! { |k, v| v == 99 }, g.keep_if { |k, v| v != 1 }, g.delete_if { |k, v| v == 26 }
deep = { a: { b: { c: 1 } } }; p deep.dig(:a, :b, :c), deep[:a][:b], deep.to_a, deep.key?(:b); g.each { |k, v| print k, v, "\n" }; g.each_pair { |k, v| p [k, v] }; g.each_key { |k| p k }; g.each_value { |v| p v }; g.each { |pair| p pair }
def kw(a:, b: 2, **o) = p(a, b, o)
kw(a: 1, c: 3); o = { a: 9 }; kw(**o, b: 1)
p({ "a b": 1, "c-d": 2, if: 3, A: 4, a?: 5 }, { 1 => { 2 => 3 } }.to_s, { a: 1 } == { a: 1 }, { a: 1 }.eql?({ a: 1.0 }), { a: 1, b: 2 } >= { a: 1 }, { a: 1 }.hash == { a: 1 }.hash)
begin; { a: 1 }.fetch(:b); rescue KeyError => e; puts e.message; end
begin; { "a" => 1 }.fetch("b"); rescue KeyError => e; puts e.message; end
begin; { a: 1 }.freeze[:b] = 1; rescue => e; puts e.message; end
h2 = { b: 1, a: 2 }; h2.default = 7; p h2[:q], h2.sort_by { |k, _| k }.first, h2.sum { |_, v| v }, h2.each_with_index.to_a, h2.find_all { |k, v| v > 0 }, h2.flat_map { |k, v| [k] * v }, h2.min_by(1) { |_, v| v }, h2.sort.map(&:last), h2.keys.sort, h2.compare_by_identity.class
h2.each.with_index(1) { |(k, v), i| p [k, v, i] }
p h2.map { |k, v| "#{k}=#{v}" }.join("&"), h2.to_a.transpose, h2.key(2), h2.rassoc(2), h2.assoc(:a), h2.dup.clear, h2.any?, h2.none?, h2.member?(:a), h2.each_cons(2).to_a, h2.cycle.first(3), h2.lazy.map { |k, v| v }.to_a, h2.uniq { |k, v| 1 }, h2.tally, h2.reverse_each.to_a
