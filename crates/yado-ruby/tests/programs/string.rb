s = "hello world"
p s.length, s.upcase, s.capitalize, s.reverse, s.include?("wor"), s.index("o"), s.rindex("o"), s[0], s[-3..], s[0, 5], s[/w\w+/], s["zzz"]
p s.sub("o", "0"), s.gsub("o", "0"), s.gsub(/o(.)/) { $1.upcase }, s.gsub(/(?<a>l+)/, '<\k<a>>'), s.tr('lo', '01'), s.delete('l'), s.squeeze, s.count('lo')
p "a,b,,c,,".split(","), "a b  c".split, "abc".split(""), "a1b2".split(/\d/), "a,b,c".split(",", 2), "a1b2c".split(/(\d)/), "abc".split(//)
p "  x ".strip, "x\n".chomp, "xy".chomp("y"), "abc".chop, "a".ljust(4, "."), "a".rjust(4), "ab".center(6, "*")
p "%05d|%-5s|%.2f|%x|%+d|%s" % [42, "ab", 3.14159, 255, 5, :sym], "%<a>d %{b}" % { a: 1, b: 2 }, format("%08b", 5), "%c" % 65, "%5.1f%%" % 12.345
p "abc".succ, "az".next, "a".ord, 97.chr, "abc".bytes, "abc".each_char.to_a, "a-b_c".tr("-_", "  ")
p "line1\nline2\n".lines, "line1\nline2".each_line.map(&:chomp), "abc" <=> "abd", "a" * 3, "abc".start_with?("ab"), "abc".end_with?("bc", "x")
p "12abc".to_i, "0x1f".hex, "3.7xyz".to_f, "abc".to_i, "1_000".to_i, "101".to_i(2), "z".to_i(36)
p "CamelCase".gsub(/([A-Z])/) { "_" + $1.downcase }, "foo bar".scan(/\w+/), "k=v;x=y".scan(/(\w)=(\w)/), "abc".match(/(?<first>a)(b)?/)[:first]
p "héllo".length, "héllo".bytesize, "héllo".upcase, "日本".chars, "a\tb\u0001\e".inspect, 'q"uote'.inspect
p "abc".freeze.frozen?, "abc".dup << "d", "ab".insert(1, "X"), "abc".prepend(">"), "hello"[1..3], "hello"[1...-1], "hello".slice(1, 2)
p "a.b.c".partition("."), "a.b.c".rpartition("."), "test".casecmp?("TEST"), "abc".eql?("abc"), "abc".equal?("abc"), "abc".hash == "abc".hash
p "title case here".split.map(&:capitalize).join(" "), "x".between?("a", "z"), "abc".unpack("C*"), [1, 2].pack("C*"), ["abc"].pack("m0")
p "ab\ncd".each_line.with_index.map { |l, i| "#{i}#{l.chomp}" }, "a".upto("e").to_a, "%s and %p" % ["x", "x"], "abc".sum, "snow" =~ /ow/, $~[0], $`, $'
s2 = +"abc"; s2[1] = "ZZ"; p s2; s2.upcase!; p s2; p s2.downcase!, s2.downcase!, s2.replace("new"), s2.clear
p "foo" "bar", "a#{1 + 1}b", 'a#{x}', "abc".delete_prefix("a").delete_suffix("c"), "Hello".swapcase, "hello world".each_char.select { |c| "aeiou".include?(c) }
begin; "abc".freeze << "d"; rescue => e; puts e.class, e.message; end
begin; Integer("abc"); rescue => e; puts e.class, e.message; end
begin; "a" + nil; rescue => e; puts e.class, e.message; end
begin; "a" + 1; rescue => e; puts e.message; end
begin; nil.upcase; rescue => e; puts e.message; end
begin; "x".nope; rescue => e; puts e.message; end
begin; Float("1.x"); rescue => e; puts e.message; end
puts "a\n".gsub(/^/, "  "), "%-10s|" % "abc", "abc".encoding, "abc".force_encoding("ASCII-8BIT").encoding, "x".encode("UTF-8").valid_encoding?
puts "abc".tr('a-c', 'A-C'), "hello".gsub(/[el]/, 'e' => '3', 'l' => '1'), "path/to".gsub("/", "::"), 'a\b'.gsub("\\", "/"), "x-1".sub(/-(\d)/, '+\1')
