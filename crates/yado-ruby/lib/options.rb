# OptionParser and GetoptLong: options of a command line.
class OptionParser
  class ParseError < RuntimeError; end
  class InvalidOption < ParseError; end
  class MissingArgument < ParseError; end
  class InvalidArgument < ParseError; end
  Option = Struct.new(:short, :long, :argument, :type, :text, :action)
  attr_accessor :banner, :program_name, :version

  def initialize(banner = nil)
    @banner = banner || "Usage: vagrant [options]"
    @options = []
    @lines = []
    yield self if block_given?
  end

  def on(*args, &action)
    option = Option.new(nil, nil, nil, nil, [], action)
    args.each do |arg|
      case arg
      when /\A--(\[no-\])?([\w-]+)(?:[ =]?(\[?=?.+))?\z/
        option.long = $2
        option.argument ||= $3
      when /\A-(\w)\s*(\S+)?\z/
        option.short = $1
        option.argument ||= $2
      when String then option.text << arg
      else option.type = arg
      end
    end
    @options << option
    self
  end
  alias on_tail on
  alias on_head on
  def separator(text = "") = @lines << text

  def parse!(argv = ARGV, into: nil)
    rest = []
    until argv.empty?
      word = argv.shift
      break rest.concat(argv.slice!(0..)) if word == "--"
      case word
      when /\A--(no-)?([\w-]+)(?:=(.*))?\z/m
        negated, name, value = $1, $2, $3
        option = @options.find { |each| each.long == "#{negated}#{name}" } || @options.find { |each| each.long == name }
        raise InvalidOption, "invalid option: #{word}" unless option
        take(option, value, argv, negated, word, into)
      when /\A-(\w)(.+)?\z/m
        name, value = $1, $2
        option = @options.find { |each| each.short == name } or raise InvalidOption, "invalid option: -#{name}"
        if value && !option.argument
          argv.unshift("-#{value}")
          value = nil
        end
        take(option, value, argv, nil, word, into)
      else rest << word
      end
    end
    argv.replace(rest)
  end

  def parse(argv = ARGV, into: nil) = parse!(argv.dup, into: into)
  alias order! parse!
  alias permute! parse!

  def help = ([@banner] + @options.map { |each| "    #{[each.short && "-#{each.short}", each.long && "--#{each.long}"].compact.join(", ")} #{each.argument}".ljust(37) + each.text.join(" ") }).join("\n") + "\n"
  alias to_s help

  private

  def take(option, value, argv, negated, word, into)
    if option.argument
      optional = option.argument.start_with?("[")
      value ||= argv.shift unless optional && (argv.empty? || argv.first.start_with?("-"))
      raise MissingArgument, "missing argument: #{word}" if value.nil? && !optional
      value = convert(option.type, value, word)
    else
      value = negated.nil?
    end
    into[(option.long || option.short).to_sym] = value if into
    option.action&.call(value)
  end

  def convert(type, value, word)
    case
    when value.nil? then nil
    when type == Integer then Integer(value)
    when type == Float then Float(value)
    when type == Symbol then value.to_sym
    when type == Array then value.split(",")
    when type.is_a?(Array) && !type.include?(value) then raise InvalidArgument, "invalid argument: #{word} #{value}"
    else value
    end
  rescue ArgumentError
    raise InvalidArgument, "invalid argument: #{word} #{value}"
  end
end
OptParse = OptionParser

class GetoptLong
  NO_ARGUMENT = 0
  REQUIRED_ARGUMENT = 1
  OPTIONAL_ARGUMENT = 2
  REQUIRE_ORDER = 0
  PERMUTE = 1
  RETURN_IN_ORDER = 2
  class Error < StandardError; end
  class InvalidOption < Error; end
  class MissingArgument < Error; end
  class NeedlessArgument < Error; end
  class AmbiguousOption < Error; end
  attr_accessor :quiet, :ordering

  def initialize(*options)
    @options = options.flat_map { |*names, kind| names, kind = names.first, names.first.last if names.first.is_a?(Array); names.grep(String).map { |name| [name, [names.grep(String).first, kind]] } }.to_h
    @options = options.flat_map { |entry| names = entry.grep(String); names.map { |name| [name, [names.first, entry.last]] } }.to_h
    @ordering = PERMUTE
  end

  def each
    rest = []
    until ARGV.empty?
      word = ARGV.shift
      break if word == "--"
      unless word.start_with?("-") && word != "-"
        break ARGV.unshift(word) if @ordering == REQUIRE_ORDER
        rest << word
        next
      end
      name, value = word.split("=", 2)
      found = @options[name] || begin
        near = @options.keys.select { |known| name.start_with?("--") && known.start_with?(name) }
        near.size == 1 ? @options[near.first] : nil
      end
      unless found
        $stderr.puts "vagrant: unrecognized option `#{name}'" unless quiet
        raise InvalidOption, "unrecognized option `#{name}'"
      end
      canonical, kind = found
      value = ARGV.shift if value.nil? && kind == REQUIRED_ARGUMENT
      value = ARGV.shift if value.nil? && kind == OPTIONAL_ARGUMENT && ARGV.first && !ARGV.first.start_with?("-")
      raise MissingArgument, "option `#{name}' requires an argument" if kind == REQUIRED_ARGUMENT && value.nil?
      yield canonical, value.to_s
    end
    ARGV.unshift(*rest)
    self
  end
  alias each_option each
end
