# Rational: exact fractions, kept in lowest terms.
class Rational < Numeric
  attr_reader :numerator, :denominator

  def initialize(top, bottom)
    raise ZeroDivisionError, "divided by 0" if bottom == 0
    top, bottom = -top, -bottom if bottom < 0
    divisor = top.gcd(bottom)
    @numerator = top / divisor
    @denominator = bottom / divisor
    freeze
  end

  class << self
    # The exact fraction that a number or text is; nil for what is none.
    def __of(value)
      case value
      when Rational then value
      when Integer then __make(value, 1)
      when Float then value.to_r
      when String then __read(value, true)
      end
    end

    def __make(top, bottom)
      made = allocate
      made.__send__(:initialize, top, bottom)
      made
    end

    def __convert(top, bottom = 1, exception: true)
      [top, bottom].each do |part|
        raise TypeError, "can't convert nil into Rational" if part.nil?
        unless part.is_a?(Numeric) || part.is_a?(String)
          raise TypeError, "can't convert #{part.class} into Rational"
        end
      end
      top = __of(top)
      bottom.is_a?(Integer) && bottom == 1 ? top : top / __of(bottom)
    rescue ArgumentError, TypeError
      raise if exception
      nil
    end

    # The simplest fraction near a number: no farther away than that, or the one that a float was meant to be.
    def __rationalize(number, within = nil)
      return -__rationalize(-number, within) if number < 0
      if within
        low, high = number - within.abs, number + within.abs
      else
        half = (number.next_float.to_r - number.to_r) / 2
        low, high = number.to_r - half, number.to_r + half
      end
      return number.to_r if low == high
      tops, bottoms = [0, 1], [1, 0]
      until (whole = low.ceil) < high
        whole -= 1
        tops = [tops[1], whole * tops[1] + tops[0]]
        bottoms = [bottoms[1], whole * bottoms[1] + bottoms[0]]
        low, high = 1.quo(high - whole), 1.quo(low - whole)
      end
      Rational(whole * tops[1] + tops[0], whole * bottoms[1] + bottoms[0])
    end

    # Reads "1/3", "0.75" or "1.5e3/2"; the longest prefix unless all of it must be a fraction.
    def __read(text, strict)
      number = '\d+(?:_\d+)*'
      pattern = /\A\s*([-+])?(#{number})?(?:\.(#{number}))?(?:[eE]([-+]?#{number}))?(?:\/(#{number})(?:\.(#{number}))?)?/
      match = pattern.match(text)
      unless match && (match[2] || match[3])
        raise ArgumentError, "invalid value for convert(): #{text.inspect}" if strict
        return __make(0, 1)
      end
      if strict && !match.post_match.strip.empty?
        raise ArgumentError, "invalid value for convert(): #{text.inspect}"
      end
      decimals = match[3].to_s.delete("_")
      top = (match[2].to_s.delete("_") + decimals).to_i
      bottom = 10**decimals.size
      power = match[4].to_i
      power >= 0 ? top *= 10**power : bottom *= 10**-power
      if match[5]
        more = match[6].to_s.delete("_")
        bottom *= (match[5].delete("_") + more).to_i
        top *= 10**more.size
      end
      __make(match[1] == "-" ? -top : top, bottom)
    end
  end

  def +(other)
    case other
    when Integer, Rational
      other = Rational.__of(other)
      Rational.__make(@numerator * other.denominator + other.numerator * @denominator, @denominator * other.denominator)
    when Float then to_f + other
    else __coerced(:+, other)
    end
  end

  def -(other)
    case other
    when Integer, Rational
      other = Rational.__of(other)
      Rational.__make(@numerator * other.denominator - other.numerator * @denominator, @denominator * other.denominator)
    when Float then to_f - other
    else __coerced(:-, other)
    end
  end

  def *(other)
    case other
    when Integer, Rational
      other = Rational.__of(other)
      Rational.__make(@numerator * other.numerator, @denominator * other.denominator)
    when Float then to_f * other
    else __coerced(:*, other)
    end
  end

  def /(other)
    case other
    when Integer, Rational
      other = Rational.__of(other)
      Rational.__make(@numerator * other.denominator, @denominator * other.numerator)
    when Float then to_f / other
    else __coerced(:/, other)
    end
  end
  alias quo /

  def **(other)
    case other
    when Integer
      if other >= 0
        Rational.__make(@numerator**other, @denominator**other)
      else
        raise ZeroDivisionError, "divided by 0" if @numerator == 0
        Rational.__make(@denominator**-other, @numerator**-other)
      end
    when Float then to_f**other
    when Rational then other.denominator == 1 ? self**other.numerator : to_f**other.to_f
    else __coerced(:**, other)
    end
  end
  alias pow **

  def %(other) = self - other * (self / other).floor
  alias modulo %
  def divmod(other) = [(self / other).floor, self % other]
  def div(other) = (self / other).floor
  def fdiv(other) = to_f / other
  def -@ = Rational.__make(-@numerator, @denominator)
  def +@ = self
  def abs = Rational.__make(@numerator.abs, @denominator)
  alias magnitude abs

  def <=>(other)
    case other
    when Integer, Rational
      other = Rational.__of(other)
      @numerator * other.denominator <=> other.numerator * @denominator
    when Float then to_f <=> other
    end
  end

  def ==(other)
    case other
    when Integer, Rational, Float then (self <=> other) == 0
    else other == self
    end
  end

  def coerce(other)
    case other
    when Integer, Rational then [Rational.__of(other), self]
    when Float then [other, to_f]
    else raise TypeError, "#{other.class} can't be coerced into Rational"
    end
  end

  def eql?(other) = other.is_a?(Rational) && numerator == other.numerator && denominator == other.denominator
  def hash = [@numerator, @denominator].hash
  def zero? = @numerator == 0
  def positive? = @numerator > 0
  def negative? = @numerator < 0
  def nonzero? = zero? ? nil : self
  def integer? = false
  def finite? = true
  def infinite? = nil
  def real? = true
  def to_r = self
  def rationalize(within = nil) = within ? Rational.__rationalize(self, within) : self
  def to_f = @numerator.fdiv(@denominator)
  def to_i = @numerator < 0 ? -(-@numerator / @denominator) : @numerator / @denominator
  def truncate(digits = 0) = @numerator < 0 ? ceil(digits) : floor(digits)
  def floor(digits = 0) = __rounded(digits) { |number| number.numerator.div(number.denominator) }
  def ceil(digits = 0) = __rounded(digits) { |number| -(-number.numerator).div(number.denominator) }

  def round(digits = 0, half: :up)
    __rounded(digits) do |number|
      whole = number.numerator.div(number.denominator)
      rest = number - whole
      middle = Rational.__make(1, 2)
      if rest == middle
        case half&.to_sym
        when :even then whole.even? ? whole : whole + 1
        when :down then number.negative? ? whole + 1 : whole
        else number.negative? ? whole : whole + 1
        end
      else
        rest > middle ? whole + 1 : whole
      end
    end
  end

  def to_s = "#{@numerator}/#{@denominator}"
  def inspect = "(#{self})"

  private

  def __rounded(digits)
    return yield(self) if digits == 0
    scale = 10**digits.abs
    if digits > 0
      Rational.__make(yield(self * scale), scale)
    else
      yield(self / scale) * scale
    end
  end

  def __coerced(operator, other)
    raise TypeError, "#{other.nil? ? "nil" : other.class} can't be coerced into Rational" unless other.respond_to?(:coerce)
    left, right = other.coerce(self)
    left.__send__(operator, right)
  end
end

Rational.singleton_class.undef_method :new
