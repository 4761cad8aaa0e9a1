# Options of a command line.
require 'optparse'

def parser(options = {})
  OptionParser.new do |o|
    o.banner = "Usage: x [options]"
    o.program_name = "x"
    o.version = "1.2"
    o.on("-n", "--nodes N", Integer, "Number of nodes") { |v| options[:n] = v }
    o.on("-v", "--[no-]verbose", "Verbose") { |v| options[:v] = v }
    o.on("--list a,b,c", Array, "A list", "of things") { |v| options[:l] = v }
    o.separator ""
    o.separator "More:"
    o.on("-t", "--type TYPE", [:text, :binary]) { |v| options[:t] = v }
    o.on("--kind KIND", { "a" => 1, "bc" => 2 }) { |v| options[:k] = v }
    o.on("-o", "--optional [X]", "May have one") { |v| options[:o] = v }
    o.on("-f", "--factor=F", Float) { |v| options[:f] = v }
    o.on("--a-very-long-option-with-a-name NAME", "Long") { |v| options[:long] = v }
    o.on("-q") { options[:q] = true }
    o.on("-x", "--[no-]ex BOOL", TrueClass) { |v| options[:x] = v }
    o.on("--match RE", Regexp) { |v| options[:m] = v }
    o.on("--ip ADDRESS", /\A\d+\.\d+\z/) { |v| options[:ip] = v }
    o.on_tail("--last", "The last") { options[:last] = true }
  end
end

puts parser.help
puts parser.to_a.size, parser.banner, parser.ver
[
  %w[up -n 3 --no-verbose --list x,y -t bin name],
  %w[-n3 -v a -- -q b], %w[--nodes=0x1F --type text], %w[-vq -f1.5], %w[--verb --factor 2],
  %w[-o -q], %w[-o value], %w[--optional=v rest], %w[--optional], %w[--kind bc], %w[--kind a --last],
  %w[--match /a.c/i --ip 1.2], %w[-x no], %w[-x yes], %w[--a-very x], %w[--list a,,b],
  %w[--bogus], %w[-z], %w[-n x], %w[-n], %w[--nodes], %w[--type nope], %w[--verbose=3], %w[--o], %w[--ip x],
  %w[--kind z], %w[-f abc], %w[--nodes=09], [], %w[a b c],
].each do |argv|
  options = {}
  begin
    rest = parser(options).parse(argv)
    p [rest, options]
  rescue OptionParser::ParseError => e
    p [e.class, e.message, e.args, e.reason]
  end
end
into = {}
p parser.parse(%w[-n 2 --type text r], into: into), into
p parser.order(%w[-q a -n 2]), parser.permute(%w[a -q b])
argv = %w[a -q b]
p parser.parse!(argv), argv
argv = %w[-q a -n 3]
p parser.order!(argv), argv
p OptionParser.new.banner.class, OptionParser.new("B").banner
p OptionParser.new.getopts(%w[-a -b 1 --foo --bar=x rest], "ab:c", "foo", "bar:", "zot:9")
begin
  parser.parse(%w[--help])
rescue SystemExit => e
  p e.status
end
begin
  parser.parse(%w[--version])
rescue SystemExit => e
  p e.status
end
