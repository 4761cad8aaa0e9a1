# Options of a command line: OptionParser and GetoptLong.
class OptionParser
  class ParseError < RuntimeError
    attr_reader :args
    attr_writer :reason

    def initialize(*args)
      @args = args
      super(args.join(" "))
    end

    def reason; @reason || self.class::Reason; end
    def message; "#{reason}: #{args.join(" ")}"; end
    alias to_s message
    Reason = "parse error".freeze
  end
  class AmbiguousOption < ParseError; Reason = "ambiguous option".freeze; end
  class NeedlessArgument < ParseError; Reason = "needless argument".freeze; end
  class MissingArgument < ParseError; Reason = "missing argument".freeze; end
  class InvalidOption < ParseError; Reason = "invalid option".freeze; end
  class InvalidArgument < ParseError; Reason = "invalid argument".freeze; end
  class AmbiguousArgument < InvalidArgument; Reason = "ambiguous argument".freeze; end

  Option = Struct.new(:shorts, :longs, :shown, :style, :negatable, :type, :text, :action)
  private_constant :Option

  # Types that stand for a way of reading a number.
  DecimalInteger = Module.new
  OctalInteger = Module.new
  DecimalNumeric = Module.new

  attr_accessor :banner, :program_name, :version, :release, :summary_width, :summary_indent, :default_argv

  def initialize(banner = nil, width = 32, indent = "    ")
    @banner = banner
    @summary_width, @summary_indent = width, indent
    @program_name = File.basename($0.to_s, ".*")
    @default_argv = ARGV
    @head, @lines, @tail = [], [], []
    @accepted = {}
    yield self if block_given?
  end

  def banner; @banner || "Usage: #{program_name} [options]"; end
  def set_banner(text); @banner = text; end
  def set_program_name(text); @program_name = text; end
  def ver; version && "#{program_name} #{Array(version).join(".")}#{release && " (#{release})"}"; end

  def accept(type, pattern = nil, &block)
    @accepted[type] = [pattern, block]
  end

  def on(*arguments, &action); define(@lines, arguments, action); self; end
  def on_head(*arguments, &action); define(@head, arguments, action); self; end
  def on_tail(*arguments, &action); define(@tail, arguments, action); self; end
  alias def_option on
  alias def_head_option on_head
  alias def_tail_option on_tail
  def separator(text = ""); @lines << text; end

  def parse(*argv, into: nil)
    argv = argv.first.dup if argv.size == 1 && argv.first.is_a?(Array)
    argv = default_argv.dup if argv.empty?
    parse!(argv, into: into)
  end

  def parse!(argv = default_argv, into: nil)
    ENV.include?("POSIXLY_CORRECT") ? order!(argv, into: into) : permute!(argv, into: into)
  end

  def permute(*argv, into: nil)
    argv = argv.first.dup if argv.size == 1 && argv.first.is_a?(Array)
    permute!(argv, into: into)
  end

  def permute!(argv = default_argv, into: nil)
    rest = []
    run(argv, into) { |word| rest << word }
    argv.unshift(*rest)
  end

  def order(*argv, into: nil, &block)
    argv = argv.first.dup if argv.size == 1 && argv.first.is_a?(Array)
    order!(argv, into: into, &block)
  end

  def order!(argv = default_argv, into: nil, &block)
    run(argv, into, &block)
    argv
  end

  # Options by a short description: letters, with a colon for those that take a value, and long names.
  def getopts(*arguments)
    argv = arguments.first.is_a?(Array) ? arguments.shift : default_argv
    result = {}
    arguments.shift.to_s.scan(/(.)(:)?/) do |letter, value|
      result[letter] = value ? nil : false
      on("-#{letter}#{" X" if value}") { |given| result[letter] = given }
    end
    arguments.flatten.each do |entry|
      name, value = entry.split(":", 2)
      result[name] = entry.include?(":") ? (value.empty? ? nil : value) : false
      on("--#{name}#{" X" if entry.include?(":")}") { |given| result[name] = given }
    end
    parse!(argv)
    result
  end

  def summarize(to = [], width = summary_width, _max = nil, indent = summary_indent)
    (@head + @lines + @tail).each do |line|
      next to << (line.to_s.end_with?("\n") ? line.to_s : "#{line}\n") unless line.is_a?(Option)
      left = line.shorts.empty? ? "    #{line.shown}" : line.shown
      texts = line.text.flat_map { |text| text.split("\n", -1) }
      if left.length > width || texts.empty?
        to << "#{indent}#{left}\n"
      else
        to << "#{indent}#{left.ljust(width)} #{texts.shift}\n"
      end
      texts.each { |text| to << "#{indent}#{" " * width} #{text}\n" }
    end
    to
  end

  def help; "#{banner}".sub(/\n?\z/, "\n") + summarize.join; end
  alias to_s help
  def to_a; summarize(["#{banner}\n"]); end
  def abort(text = $!); super("#{program_name}: #{text}"); end
  def warn(text = $!); super("#{program_name}: #{text}"); end

  private

  def define(list, arguments, action)
    option = Option.new([], [], nil, :none, false, nil, [], action)
    values = []
    words = []
    arguments.each do |argument|
      case argument
      when /\A--\[no-\]([^\[\]=\s]+)(.*)\z/m
        option.negatable = true
        option.longs << $1
        words << "--[no-]#{$1}"
        values << $2 unless $2.empty?
      when /\A--([^\[\]=\s]+)(.*)\z/m
        option.longs << $1
        words << "--#{$1}"
        values << $2 unless $2.empty?
      when /\A-(.)(.*)\z/m
        option.shorts << $1
        words << "-#{$1}"
        values << $2 unless $2.empty?
      when String
        option.text << argument
      when :NONE, :REQUIRED, :OPTIONAL then option.style = argument.to_s.downcase.to_sym
      when Proc, Method then option.action ||= argument
      else option.type = argument
      end
    end
    value = values.first
    if value
      option.style = value.match?(/\A[ =]?\[/) ? :optional : :required
    elsif option.type && ![TrueClass, FalseClass].include?(option.type) && option.style == :none
      option.style = :required
    end
    option.shown = words.join(", ") + value.to_s
    list << option
  end

  def options
    (@head + @lines + @tail).grep(Option)
  end

  def run(argv, into)
    until argv.empty?
      word = argv.shift
      case word
      when "--" then return
      when /\A--([^=]*)(?:=(.*))?\z/m
        name, value = $1, $2
        option, negated = long(name, word)
        take(option, value, argv, negated, "--#{name}", into, false)
      when /\A-(.)(.*)\z/m
        name, value = $1, $2
        option = options.find { |each| each.shorts.include?(name) }
        if option.nil?
          # A long name may be written with one hyphen, when nothing short is meant.
          if (found = options.find { |each| each.longs.any? { |known| known.start_with?(name + value) } }) && !value.empty?
            next take(found, nil, argv, false, word, into, false)
          end
          show_help if name == "h"
          raise InvalidOption.new("-#{name}#{value unless value.empty?}") if options.none? { |each| each.longs.any? { |known| known.start_with?(name) } } || value.empty?
          raise InvalidOption.new(word)
        end
        if option.style == :none && !value.empty?
          argv.unshift("-#{value}")
          value = ""
        end
        take(option, value.empty? ? nil : value, argv, false, "-#{name}", into, true)
      else
        if block_given?
          yield word
        else
          argv.unshift(word)
          return
        end
      end
    end
  end

  def long(name, word)
    exact = options.find { |each| each.longs.include?(name) }
    return [exact, false] if exact
    if name.start_with?("no-") && (negated = options.find { |each| each.negatable && each.longs.include?(name[3..-1]) })
      return [negated, true]
    end
    near = options.select { |each| each.longs.any? { |known| known.start_with?(name) } }
    raise AmbiguousOption.new(word) if near.size > 1
    return [near.first, false] if near.size == 1
    show_help if name == "help"
    show_version if name == "version"
    raise InvalidOption.new(word)
  end

  def show_help
    puts help
    exit
  end

  def show_version
    text = ver or Kernel.abort("#{program_name}: version unknown")
    puts text
    exit
  end

  def take(option, value, argv, negated, word, into, short)
    case option.style
    when :none
      raise NeedlessArgument.new("#{word}=#{value}") unless value.nil?
      value = !negated
      value = !value if option.type == FalseClass
    when :required
      if value.nil?
        raise MissingArgument.new(word) if argv.empty?
        value = argv.shift
        joined = [word, value]
      end
      value = convert(option, value, joined || (short ? ["#{word}#{value}"] : ["#{word}=#{value}"]), joined)
    else
      value = argv.shift if value.nil? && !argv.empty? && !argv.first.start_with?("-")
      value = convert(option, value, [word, value].compact, true) unless value.nil?
    end
    into[(option.longs.first || option.shorts.first).to_sym] = value if into
    option.action&.call(value)
  end

  def convert(option, value, words, _separate)
    type = option.type
    invalid = -> { raise InvalidArgument.new(*words) }
    if @accepted.key?(type)
      pattern, block = @accepted[type]
      found = pattern ? (value.match(pattern) or invalid.call).to_a : [value]
      return block ? block.call(*found) : value
    end
    case
    when type.nil?, type == String, type == Object then value
    when type == Integer
      value.match?(/\A[-+]?(?:0x[\h_]+|0b[01_]+|0[0-7_]*|[1-9][\d_]*)\z/i) ? Integer(value) : invalid.call
    when type == DecimalInteger then value.match?(/\A[-+]?\d+(?:_\d+)*\z/) ? value.to_i : invalid.call
    when type == OctalInteger then value.match?(/\A[-+]?[0-7_]+\z/) ? value.to_i(8) : invalid.call
    when type == Float then value.match?(/\A[-+]?(?:\d[\d_]*)?\.?\d*(?:e[-+]?\d+)?\z/i) ? value.to_f : invalid.call
    when type == Numeric, type == DecimalNumeric
      value.match?(/\A[-+]?\d[\d_]*\z/) ? value.to_i : (value.match?(/\A[-+]?\d*\.?\d+(?:e[-+]?\d+)?\z/i) ? value.to_f : invalid.call)
    when type == Symbol then value.to_sym
    when type == Array then value.split(",").map { |part| part.empty? ? nil : part }
    when type == TrueClass, type == FalseClass
      found = complete({ "-" => false, "no" => false, "false" => false, "nil" => false, "+" => true, "yes" => true, "true" => true }, value, invalid)
      type == FalseClass && value.empty? ? false : found
    when type == Regexp
      value =~ %r{\A/((?:\\.|[^\\])*)/([imx]*)\z} ? Regexp.new($1, ($2.include?("i") ? 1 : 0) | ($2.include?("x") ? 2 : 0) | ($2.include?("m") ? 4 : 0)) : Regexp.new(value)
    when type.is_a?(Regexp) then (found = value.match(type)) ? (found.captures.empty? ? value : found.to_a) : invalid.call
    when type.is_a?(Array) then complete(type.to_h { |choice| choice.is_a?(Array) ? [choice.first.to_s, choice.last] : [choice.to_s, choice] }, value, invalid)
    when type.is_a?(Hash) then complete(type.to_h { |name, meaning| [name.to_s, meaning] }, value, invalid)
    when defined?(::Time) && type == Time then Time.parse(value)
    when defined?(::Date) && type == Date then Date.parse(value)
    when type.respond_to?(:name) && type.name.to_s.start_with?("URI") then URI.parse(value)
    when type.respond_to?(:name) && type.name == "Shellwords" then Shellwords.split(value)
    else value
    end
  end

  # The one choice that begins with what was given.
  def complete(choices, value, invalid)
    return choices[value] if choices.key?(value)
    near = choices.select { |name, _| name.start_with?(value) }
    invalid.call if near.empty?
    raise AmbiguousArgument.new(value) if near.values.uniq.size > 1
    near.values.first
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
