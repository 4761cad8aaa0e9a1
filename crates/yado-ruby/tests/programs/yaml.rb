require 'yaml'
texts = %w[08 0o17 1e3 1.5e+3 .5 1. +1 1,000 1,000.5 1:30 1:30:45 0b11 0x1F -0x1f 0755 -5 yes No ON y ~ Null .inf -.inf :a :'c' 1__0 1_ 0. 007 1.2.3 = 192.168.1.1 ubuntu/bionic64 2GB 1.10 v1.0]
texts.each { |t| puts "#{t} => #{YAML.load(t).inspect}" }
["&a a: b", "- <<: {a: 1}\n  b: 2", "a: !!str 1", "a: !vault x", "a: 1\na: 2", "? a\n: b", "--- a\n--- b", "a: |\n x\n y\nb: >\n x\n y", "{a: 1, b: }", "x: !ruby/sym foo", "", "# c", "- a\n-\n- b: c\n  d: 'e'\n", "a: \"x\\ty\"", "a:\n  - 1\n  - [2, 3]\n"].each { |t| puts "#{t.inspect} => #{YAML.load(t).inspect}" }
p YAML.load("a: &x {c: 1}\nb:\n  <<: *x\n  d: 2", aliases: true), YAML.safe_load("a: b", symbolize_names: true)
begin; YAML.load("a: 2020-01-01"); rescue => e; puts e.class, e.message; end
begin; YAML.safe_load("a: :b"); rescue => e; puts e.class, e.message; end
begin; YAML.load_file("/nonexistent"); rescue => e; puts e.class, e.message; end
begin; YAML.load("a: [1"); rescue Psych::SyntaxError => e; puts e.class; end
["a\nb", "a\nb\n", "a: b", "#x", "/path", "it's: x", "true", "y", "null", "", "1", "1.5", "0755", ":sym", "- a", "a:", "häß", "tab\there", "trail ", "*x", "2020-01-01", "12:30", "<<", "a\n\n\nb\n", "192.168.1.1", "v1.2", "~/x", "a\"b", "100%", "x y z"].each { |s| puts({ "k" => s }.to_yaml, [s].to_yaml) }
puts [1, [2, [3, 4], []], { "a" => {}, "b" => [1, { "c" => 2, "d" => nil }] }, :sym, nil, true, 1.5, 1e20, Float::INFINITY].to_yaml
puts({ a: 1, "b" => { c: [1, 2], "d e" => :x }, 1 => 2, true => 5, 1.5 => 6 }.to_yaml)
a = [1]; puts [a, a, { "k" => a }].to_yaml
puts YAML.dump("name" => "web", "list" => %w[a b], "nested" => { "x" => nil })
puts nil.to_yaml, YAML.dump(nil).inspect
