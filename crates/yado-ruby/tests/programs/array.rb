a = [3, 1, 2]
p a.sort, a.sort { |x, y| y <=> x }, a.max, a.min, a.sum, a.reverse, a.first, a.last(2), a.include?(2), a.index(1), a.push(4), a << 5, a.pop, a.shift, a
p a.map { |x| x * 2 }, a.select(&:even?), a.reject(&:even?), a.inject(:+), a.inject { |s, x| s * x }, a.reduce(10) { |s, x| s + x }, a.each_with_index.to_a, a.each_slice(2).to_a, a.each_cons(2).to_a
p [1, [2, [3, nil]]].flatten, [1, nil, 2].compact, [1, 1, 2].uniq, [1, 2] + [3], [1, 2, 3] - [2], [1, 2] & [2], [1] | [2], [1, 2] * 2, [1, 2] * ",", [[1, 2], [3, 4]].transpose, [1, 2].zip([3, 4], [5, 6])
p [1, 2, 3, 4].partition(&:even?), %w[a b c].each_with_object({}) { |x, h| h[x] = 1 }, %w[apple bob cat].group_by(&:size), [1, 2, 3].each_with_index.map { |x, i| x * i }, (1..10).each_slice(3).map(&:sum)
p [1, 2, 3].take(2), [1, 2, 3].drop(1), [1, 2, 3].take_while { |x| x < 3 }, [5, 3].minmax, %w[bb a].min_by(&:size), %w[bb a].max_by(&:size), %w[bb a].sort_by { |x| x.size }, [1, 2, 3].find { |x| x > 1 }, [1, 2].any? { |x| x > 1 }, [1, 2].all?(Integer), [].none?, [nil, 1].one?
p Array.new(3), Array.new(2, 0), Array.new(3) { |i| i * i }, Array(nil), Array([1]), Array(1..3), Array("a"), Array({ a: 1 }), %i[a b], [1, 2, 3].values_at(0, 2, 5), [1, 2, 3].fetch(1), [1, 2, 3].dig(0), [3, 4].each_with_index.to_h
p [1, 2, 3].cycle.first(5), [1, 2, 3].combination(2).to_a, [1, 2].product([3, 4]), [1, 2, 3].permutation(2).count, [1, 2, 3, 4].each_slice(2).to_h { |a, b| [a, b] }, [[1, 2], [3, 4]].to_h, [1, 2, 3].rotate, %w[a b].join("-"), [1, [2, [3]]].join(","), [1, 2, 2].tally, [4, 5].each_entry.to_a
b = [1, 2, 3, 4, 5]; b[1..2] = [9]; p b; b[6] = 7; p b; b.delete(nil); p b; b.delete_at(0); b.delete_if { |x| x == 9 }; p b; b.insert(1, :x); b.unshift(0); b.concat([1], [2]); p b, b.slice!(0, 2), b; b.fill(0); p b; b.clear; p b.empty?
p [1, 2, 3] <=> [1, 2, 4], [1, 2] == [1, 2], [1, 2].eql?([1.0, 2]), [1, 2].hash == [1, 2].hash, [3, 1].sort!, [1, 2].map!(&:to_s), [1, nil].compact!, [1].compact!, [2, 1].sort_by! { |x| x }, [1, 2, 3].select! { |x| x > 1 }, [1, 2, 3, 4, 5].each_with_index.select { |x, i| i.even? }
p [1, 2, 3].inspect, [nil, true, :a, "s", 1.5].to_s, [[1, 2], [3]].sum { |x| x.size }, [0.1] * 3, [0.1, 0.2, 0.3].sum, ["a", "b"].sum(""), [1, 2, 3, 4].filter_map { |x| x * 2 if x.even? }, [[1, :a], [2, :b]].each_with_object([]) { |(n, s), m| m << s }, [1, 2, 3].each_entry.map { |x| x }, [1, 2, 4].chunk_while { |a, b| b == a + 1 }.to_a, [1, 2, 3].lazy.map { |x| x * 2 }.select(&:even?).first(2)
first, *rest = [1, 2, 3]; p first, rest; a, (b, c), d = 1, [2, 3], 4; p a, b, c, d; *x, y = [1, 2, 3]; p x, y
p [1, 2, 3].each_slice(2), [1, 2].each, [3, 1, 2].sort.reverse.first, [1, 2, 3].sample.class, [1, 2, 3].shuffle.sort, ["a", "B"].sort_by(&:downcase), [1, 2, 3, 4].bsearch { |x| x >= 3 }, [[2, "b"], [1, "a"]].sort, [1, "a", :b, nil].map(&:class)
e = [1, 2, 3].each; p e.next, e.next, e.next; begin; e.next; rescue StopIteration => x; puts x.message; end
begin; [1, 2].fetch(9); rescue => x; puts x.class, x.message; end
begin; [1, "a"].sort; rescue => x; puts x.class, x.message; end
begin; [1, nil].max; rescue => x; puts x.message; end
begin; [1].freeze << 2; rescue => x; puts x.message; end
begin; [1, 2].first("x"); rescue => x; puts x.message; end
begin; [3].sum { |q| q.foo }; rescue NoMethodError => x; puts x.message; end
p [1, 2, 3].each_with_index { |x, i| print x, i, " " }
p (1..3).each_with_object([]) { |i, acc| acc << i }, [[1, [2, 3]]].map { |a, (b, c)| a + b + c }, %w[x y z].each.with_index(1).map { |v, i| "#{i}#{v}" }
