# What configuration files do most with the library.
require 'yaml'
require 'json'
require 'fileutils'
require 'open3'
require 'getoptlong'
require 'rbconfig'
require 'etc'
here = File.dirname(File.expand_path(__FILE__))
p File.basename(here), File.exist?(File.join(here, "configuration.rb")), File.file?(here), Dir.glob(File.join(here, "conf*.rb")).map { |f| File.basename(f) }, Dir.entries(here).include?("configuration.rb")
settings = YAML.load("vms:\n  - name: web\n    ip: 192.168.50.4\n    mem: 1024\n  - name: db\n    ip: 192.168.50.5\n    mem: '2048'\nproxy: ~\nenabled: yes\n")
settings["vms"].each_with_index { |vm, i| puts "#{i}: %-5s %s %05d" % [vm["name"], vm["ip"], vm["mem"].to_i] }
p settings.fetch("missing", "none"), settings["proxy"].nil?, settings["enabled"], settings.dig("vms", 1, "mem")
defaults = { "cpus" => 1, "nested" => { "a" => 1 } }
merged = defaults.merge("nested" => { "b" => 2 }) { |_, o, n| o.is_a?(Hash) ? o.merge(n) : n }
p merged, merged.to_json, JSON.parse(merged.to_json) == merged
p (1..3).map { |i| "node#{i}" }, "192.168.50.#{10 + 1}", "eth0 eth1".split(/\s+/), "Ubuntu 20.04".downcase.gsub(/[^a-z0-9]+/, "-"), RbConfig::CONFIG["host_os"] =~ /linux/ ? "linux" : "other", Etc.nprocessors.positive?, RUBY_PLATFORM =~ /darwin/
case RUBY_PLATFORM when /linux/ then puts "linux!" else puts "no" end
puts <<~TEXT, <<-OTHER.lines.map(&:strip).join("|")
  first
    second #{1 + 1}
TEXT
  a
  b
  OTHER
begin
  YAML.load_file("missing.yml")
rescue Errno::ENOENT => e
  puts "#{e.class}: #{e.message}"
end
mem = `echo 4` rescue mem = "refused"
puts %w[a b c].each_slice(2).map { |x| x.join("+") }.inspect, ENV.fetch("NO_SUCH", "8"), (ENV["NO_SUCH"] || "x"), ENV.key?("HOME"), ENV.to_h.class, ENV.select { |k, _| k == "NO_SUCH" }.inspect
puts "%.1f GB" % (2048 / 1024.0), "%03d" % 7, "a,b;c".split(/[,;]/).inspect, "x" * 3, "key: value"[/:\s*(.*)/, 1], "v1.2.3".match(/(\d+)\.(\d+)/).captures.inspect, $1.inspect, Integer("10") + Float("1.5"), "abc".hash == "abc".dup.hash, [3, 1, 2].sort_by { |x| -x }.inspect
Server = Struct.new(:name, :ip)
puts Server.new("a", "b").to_h.inspect, [Server.new("z", 1), Server.new("y", 2)].sort_by(&:name).map(&:ip).inspect, Server.new("q").ip.inspect
puts Time.at(0).utc.strftime("%Y-%m-%d %H:%M"), Time.now.year > 2000, [1, 2, 3].each_with_object({}) { |i, h| h["k#{i}"] = i }.inspect, { b: 1, a: 2 }.min_by { |_, v| v }.inspect, [[1, 2], [3]].flatten.sum, [nil, "", "x"].reject { |s| s.to_s.empty? }.inspect
puts [1, 2, 3, 4].each_cons(2).to_a.inspect, { "a" => { "b" => [1, { "c" => 2 }] } }.dig("a", "b", 1, "c"), "%s" % nil.inspect, :sym.to_proc.call("x") rescue puts "no method: #{$!.message}"
printf("%-8s|%5.2f|%s\n", "name", 3.14159, [1, :b]); $stdout.puts "out"; STDOUT.print "a", "b\n"; $stdout.write("w\n"); $stderr.flush; puts [], [[]], nil, [nil], true
puts defined?(Vagrant).inspect, __method__.inspect, [1, [2, [3]]].to_s, ObjectSpace.respond_to?(:each_object), Comparable.is_a?(Module), Kernel.respond_to?(:puts, true), 5.then { |x| x + 1 }, [*1..3, *"a".."c"].inspect, Array.new(2) { |i| "n#{i}" }.inspect, rand(1..1), [1].sample, "a".frozen?, :a.frozen?, "abc".each_char.with_index.map { |c, i| c * i }.inspect
