# Reading a text piece by piece.
class StringScanner
  class Error < StandardError; end

  attr_reader :string, :pos, :matched
  alias pointer pos

  def initialize(string, *)
    @string = string
    reset
  end

  def string=(string)
    @string = string
    reset
  end

  def reset
    @pos = @before = 0
    forget
    self
  end

  def terminate
    @before, @pos = @pos, @string.bytesize
    forget
    self
  end

  def pos=(pos)
    pos += @string.bytesize if pos < 0
    raise RangeError, "index out of range" if pos < 0 || pos > @string.bytesize
    @pos = pos
  end
  alias pointer= pos=

  def charpos = @string.byteslice(0, @pos).length
  def eos? = @pos >= @string.bytesize
  def rest? = !eos?
  def rest = @string.byteslice(@pos..-1)
  def rest_size = @string.bytesize - @pos
  def bol? = @pos == 0 || @string.byteslice(@pos - 1, 1) == "\n"
  alias beginning_of_line? bol?

  def scan(pattern) = go(pattern, here: true, move: true, text: true)
  def match?(pattern) = go(pattern, here: true, move: false, text: false)
  def skip(pattern) = go(pattern, here: true, move: true, text: false)
  def check(pattern) = go(pattern, here: true, move: false, text: true)
  def scan_until(pattern) = go(pattern, here: false, move: true, text: true)
  def exist?(pattern) = go(pattern, here: false, move: false, text: false)
  def skip_until(pattern) = go(pattern, here: false, move: true, text: false)
  def check_until(pattern) = go(pattern, here: false, move: false, text: true)
  def search_full(pattern, move, text) = go(pattern, here: false, move: move, text: text)
  def scan_full(pattern, move, text) = go(pattern, here: true, move: move, text: text)
  def getch = scan(/./m)
  def get_byte = eos? ? nil : scan_bytes(1)
  def peek(length) = @string.byteslice(@pos, length)

  def <<(text)
    @string << text
    self
  end
  alias concat <<

  def unscan
    raise Error, "unscan error: previous match record not exist" unless @match
    @pos = @before
    forget
    self
  end

  def matched? = !@matched.nil?
  def matched_size = @matched&.bytesize
  def [](group) = @match && @match[group]
  def size = @match&.size
  def captures = @match&.captures
  def values_at(*groups) = @match&.values_at(*groups)
  def named_captures = @match ? @match.named_captures : {}
  def pre_match = @matched && @string.byteslice(0, @start)
  def post_match = @matched && @string.byteslice(@start + @matched.bytesize..-1)

  def inspect
    return "#<StringScanner fin>" if eos?
    after = peek(5).inspect[0..-2] + (rest_size > 5 ? "...\"" : "\"")
    before = @pos > 0 ? " #{@pos > 5 ? "\"..." + @string.byteslice(@pos - 5, 5).inspect[1..-1] : @string.byteslice(0, @pos).inspect}" : ""
    "#<StringScanner #{@pos}/#{@string.bytesize}#{before} @ #{after}>"
  end

  private

  def forget
    @match = @matched = nil
  end

  def scan_bytes(count)
    @before, @start = @pos, @pos
    @matched = @string.byteslice(@pos, count)
    @match = [@matched]
    @pos += count
    @matched
  end

  def go(pattern, here:, move:, text:)
    left = rest
    if pattern.is_a?(String)
      raise TypeError, "wrong argument type String (expected Regexp)" unless here
      pattern = Regexp.new(Regexp.escape(pattern))
    end
    found = pattern.match(left)
    if found.nil? || here && found.begin(0) != 0
      forget
      return nil
    end
    skipped = found.pre_match.bytesize
    @before = @pos
    @match, @matched, @start = found, found[0], @pos + skipped
    length = skipped + @matched.bytesize
    result = text ? left.byteslice(0, length) : length
    @pos += length if move
    result
  end
end
