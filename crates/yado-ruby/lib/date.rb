# Date and DateTime: a day, counted through Time at noon UTC.
class Date
  include Comparable
  class Error < ArgumentError; end
  MONTHNAMES = [nil, "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"].freeze
  ABBR_MONTHNAMES = MONTHNAMES.map { |name| name && name[0, 3] }.freeze
  DAYNAMES = %w[Sunday Monday Tuesday Wednesday Thursday Friday Saturday].freeze
  ABBR_DAYNAMES = DAYNAMES.map { |name| name[0, 3] }.freeze

  def self.today = from_time(Time.now)
  def self.from_time(time) = new(time.year, time.month, time.day)
  def self.civil(*args) = new(*args)
  def self.valid_date?(year, month, day) = !!(new(year, month, day) rescue false)
  def self.leap?(year) = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
  def self.parse(text)
    if text =~ /(\d{4})-(\d{1,2})-(\d{1,2})/ || text =~ %r{(\d{4})/(\d{1,2})/(\d{1,2})}
      new($1.to_i, $2.to_i, $3.to_i)
    elsif text =~ /\A(\d{4})(\d\d)(\d\d)/
      new($1.to_i, $2.to_i, $3.to_i)
    elsif text =~ /(\d{1,2})\w*\s+([A-Za-z]{3})\w*\s+(\d{4})/ && (month = ABBR_MONTHNAMES.index($2.capitalize))
      new($3.to_i, month, $1.to_i)
    else
      raise Error, "invalid date"
    end
  end
  def self.iso8601(text) = parse(text)
  def self.strptime(text, *) = parse(text)

  def initialize(year = -4712, month = 1, day = 1)
    day = new_month_end(year, month) + 1 + day if day < 0
    @time = Time.utc(year, month, day, 12)
    raise Error, "invalid date" unless @time.day == day && @time.month == month
  rescue ArgumentError
    raise Error, "invalid date"
  end

  def new_month_end(year, month) = (month == 2 ? (Date.leap?(year) ? 29 : 28) : [4, 6, 9, 11].include?(month) ? 30 : 31)
  %i[year month mon day mday wday yday monday? tuesday? wednesday? thursday? friday? saturday? sunday?].each { |name| define_method(name) { @time.send(name) } }
  def strftime(format = "%F") = Time.utc(year, month, day).strftime(format)
  def to_s = strftime("%Y-%m-%d")
  alias iso8601 to_s
  def inspect = "#<Date: #{self} ((#{jd}j,0s,0n),+0s,2299161j)>"
  def to_date = self
  def to_time = Time.local(year, month, day)
  def jd = (@time.to_i / 86400) + 2440588
  def +(days) = Date.from_time(@time + days * 86400)
  def -(other) = other.is_a?(Date) ? Rational(jd - other.jd, 1) : self + -other
  def >>(months)
    total = year * 12 + month - 1 + months
    Date.new(total / 12, total % 12 + 1, [day, new_month_end(total / 12, total % 12 + 1)].min)
  end
  def <<(months) = self >> -months
  def next_day(count = 1) = self + count
  def prev_day(count = 1) = self - count
  def next_month(count = 1) = self >> count
  def prev_month(count = 1) = self << count
  def next_year(count = 1) = self >> count * 12
  def succ = self + 1
  alias next succ
  def cwday = wday == 0 ? 7 : wday
  def cweek = strftime("%V").to_i
  def leap? = Date.leap?(year)
  def <=>(other) = other.is_a?(Date) ? jd <=> other.jd : nil
  def ===(other) = self == other
  def eql?(other) = other.is_a?(Date) && self == other
  def hash = jd.hash
end

class DateTime < Date
  def self.now = allocate.tap { |made| made.instance_variable_set(:@time, Time.now) }
  def self.parse(text) = allocate.tap { |made| made.instance_variable_set(:@time, Time.parse(text)) }
  %i[hour min sec].each { |name| define_method(name) { @time.send(name) } }
  alias minute min
  alias second sec
  def strftime(format = "%FT%T%:z") = @time.strftime(format)
  def to_s = strftime
  def to_time = @time
end

class Time
  def to_date = Date.new(year, month, day)
  def to_time = self
  def self.strptime(text, *) = parse(text)
end
