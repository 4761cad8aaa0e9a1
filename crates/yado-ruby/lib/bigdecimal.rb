# BigDecimal: decimal fractions without rounding, on exact fractions; quotients have 36 digits, as in Ruby 3.1.
class BigDecimal < Numeric
  DIGITS = 36
  ROUND_HALF_UP = :half_up

  def self.__make(value)
    made = allocate
    made.__send__(:initialize, value)
    made
  end

  # Reads "1.5", "-2e3" or "1_000"; what follows the number only where that is no error.
  def self.__read(text, strict)
    case text.strip
    when "NaN" then return __make(:nan)
    when "Infinity", "+Infinity" then return __make(:infinity)
    when "-Infinity" then return __make(:"-infinity")
    end
    match = /\A\s*[-+]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)([eEdD][-+]?\d+)?/.match(text)
    if strict && (match.nil? || !match.post_match.strip.empty?)
      raise ArgumentError, "invalid value for BigDecimal(): #{text.inspect}"
    end
    number = match ? match[0].strip.tr("dD", "ee").delete("_").chomp(".").sub(".e", "e") : "0"
    power = number[/e([-+]?\d+)/, 1].to_i
    raise FloatDomainError, "exponent overflow" if power.abs > 10_000
    __make(Rational(number.sub(/\A([-+]?)\./, '\10.')))
  end

  def self.__of(value, digits = nil)
    case value
    when BigDecimal then value
    when Integer then __make(Rational(value, 1))
    when Float
      raise ArgumentError, "can't omit precision for a Float." unless digits
      __cut(__read(value.to_s, true), digits)
    when Rational
      raise ArgumentError, "can't omit precision for a Rational." unless digits
      __cut(__make(value), digits)
    when String then __read(value, true)
    else raise TypeError, "can't convert #{value.nil? ? "nil" : value.class} into BigDecimal"
    end
  end

  # The same number with so many digits.
  def self.__cut(number, digits)
    return number if digits == 0 || !number.finite? || number.zero?
    size = number.to_r.abs
    power = size >= 1 ? size.to_i.to_s.length : 1 - ((1 / size).ceil - 1).to_s.length
    __make(size.round(digits - power, half: :even).to_r * (number.negative? ? -1 : 1))
  end

  def initialize(value)
    @value = value
    freeze
  end

  def nan? = @value == :nan
  def infinite? = { infinity: 1, "-infinity": -1 }[@value]
  def finite? = @value.is_a?(Rational)

  def to_r
    return @value if finite?
    raise FloatDomainError, nan? ? "NaN" : (infinite? > 0 ? "Infinity" : "-Infinity")
  end

  def to_f = finite? ? @value.to_f : { nan: Float::NAN, infinity: Float::INFINITY, "-infinity": -Float::INFINITY }[@value]
  def to_i = to_r.truncate
  alias to_int to_i
  alias fix_to_i to_i
  def to_d = self
  def hash = @value.hash
  def coerce(other) = [BigDecimal.__of(other, 0), self]

  %i[+ - *].each do |operator|
    define_method(operator) { |other| __with(other) { |one, two| one.__send__(operator, two) } }
  end

  def /(other)
    __with(other) do |one, two|
      raise ZeroDivisionError, "divided by 0" if two == 0
      BigDecimal.__cut(BigDecimal.__make(one / two), DIGITS).to_r
    end
  end
  alias quo /

  def %(other) = __with(other) { |one, two| one % two }
  alias modulo %
  def div(other, digits = nil) = digits ? BigDecimal.__cut(self / other, digits) : (to_r / BigDecimal.__of(other, 0).to_r).floor
  def divmod(other) = [BigDecimal.__of(div(other)), self % other]
  def remainder(other) = __with(other) { |one, two| one.remainder(two) }
  def add(other, digits) = BigDecimal.__cut(self + other, digits)
  def sub(other, digits) = BigDecimal.__cut(self - other, digits)
  def mult(other, digits) = BigDecimal.__cut(self * other, digits)
  def **(power) = power.is_a?(Integer) ? BigDecimal.__make(to_r**power) : BigDecimal.__of(to_f**power, DIGITS)
  alias power **
  def sqrt(digits = 16) = BigDecimal.__make(Rational(Integer.sqrt((to_r * 10**(2 * (digits + 16))).floor), 10**(digits + 16)))
  def -@ = finite? ? BigDecimal.__make(-@value) : BigDecimal.__make({ infinity: :"-infinity", "-infinity": :infinity }.fetch(@value, :nan))
  def +@ = self
  def abs = negative? ? -self : self

  def <=>(other)
    return nil unless other.is_a?(Numeric)
    return to_f <=> other.to_f unless finite? && (!other.respond_to?(:finite?) || other.finite?)
    to_r <=> other.to_r
  end

  def ==(other) = (self <=> other) == 0
  alias === ==
  alias eql? ==
  %i[< <= > >=].each do |operator|
    define_method(operator) do |other|
      order = self <=> other
      raise ArgumentError, "comparison of BigDecimal with #{other.nil? ? "nil" : other.class} failed" if order.nil?
      order.__send__(operator, 0)
    end
  end

  def zero? = @value == 0
  def nonzero? = zero? ? nil : self
  def negative? = finite? ? @value < 0 : infinite? == -1
  def positive? = finite? ? @value > 0 : infinite? == 1
  def integer? = false
  def sign = nan? ? 0 : infinite? ? 3 * infinite? : zero? ? 1 : negative? ? -2 : 2
  def frac = BigDecimal.__make(to_r - to_r.truncate)
  def fix = BigDecimal.__of(to_i)

  def round(digits = nil, mode = nil, half: nil)
    half ||= mode.to_s[/half_(\w+)/, 1]&.to_sym
    return to_r.round if digits.nil? && half.nil?
    return BigDecimal.__of(to_r.round(half: half)) if digits.nil?
    half = :up if half.nil?
    rounded = to_r.round(digits, half: half).to_r
    digits < 1 ? rounded.to_i : BigDecimal.__make(rounded)
  end

  %i[floor ceil truncate].each do |name|
    define_method(name) do |digits = nil|
      digits ? BigDecimal.__make(to_r.__send__(name, digits).to_r) : to_r.__send__(name)
    end
  end

  # The digits without the zeros around them, and the power of ten that stands for the point before them.
  def __digits
    scale = 0
    rest = to_r.denominator
    while rest % 10 == 0
      rest /= 10
      scale += 1
    end
    twos = fives = 0
    while rest % 2 == 0
      rest /= 2
      twos += 1
    end
    while rest % 5 == 0
      rest /= 5
      fives += 1
    end
    scale += [twos, fives].max
    text = (to_r.abs * 10**scale).to_i.to_s
    [text.sub(/0+\z/, ""), text.length - scale]
  end

  def exponent = zero? || !finite? ? 0 : __digits[1]
  def precision = zero? ? 0 : [__digits[0].length, exponent].max
  def scale = zero? ? 0 : [__digits[0].length - exponent, 0].max
  def precs = [precision, precision + 9]
  def split = [sign <=> 0, __digits[0], 10, exponent]

  def to_s(form = "")
    return { nan: "NaN", infinity: "Infinity", "-infinity": "-Infinity" }[@value] unless finite?
    form = form.to_s
    group = form[/\d+/].to_i
    minus = negative? ? "-" : form[/\A[+ ]/].to_s
    return "#{minus}0.0" if zero?
    digits, power = __digits
    if form.match?(/f/i)
      whole = power > 0 ? digits[0, power].ljust(power, "0") : "0"
      part = power > 0 ? digits[power..].to_s : "0" * -power + digits
      part = "0" if part.empty?
      if group > 0
        whole = whole.gsub(/(\d{#{group}})(?=\d)/, '\1 ')
        part = part.gsub(/(\d{#{group}})(?=\d)/, '\1 ')
      end
      return "#{minus}#{whole}.#{part}"
    end
    digits = digits.gsub(/(\d{#{group}})(?=\d)/, '\1 ') if group > 0
    "#{minus}0.#{digits}e#{power}"
  end
  alias inspect to_s
  def to_digits = to_s("F")

  private

  def __with(other)
    other = BigDecimal.__of(other, 0) if other.is_a?(Integer) || other.is_a?(Float)
    other = BigDecimal.__of(other, DIGITS) if other.is_a?(Rational)
    unless other.is_a?(BigDecimal)
      raise TypeError, "#{other.nil? ? "nil" : other.class} can't be coerced into BigDecimal"
    end
    return BigDecimal.__of(yield(to_f, other.to_f).to_s) unless finite? && other.finite?
    BigDecimal.__make(yield(to_r, other.to_r).to_r)
  end
end

module Kernel
  def BigDecimal(value, digits = nil, exception: true)
    number = BigDecimal.__of(value, digits)
    digits ? BigDecimal.__cut(number, digits) : number
  rescue ArgumentError, TypeError
    raise if exception
  end
end

class Integer
  def to_d = BigDecimal(self)
end

class Float
  def to_d(digits = 0) = BigDecimal(self, digits)
end

class Rational
  def to_d(digits) = BigDecimal(self, digits)
end

class String
  def to_d = BigDecimal.__read(self, false)
end

class NilClass
  def to_d = BigDecimal(0)
end
