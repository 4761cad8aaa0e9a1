# Logger.
class Logger
  module Severity
    DEBUG = 0
    INFO = 1
    WARN = 2
    ERROR = 3
    FATAL = 4
    UNKNOWN = 5
  end
  include Severity
  NAMES = %w[DEBUG INFO WARN ERROR FATAL ANY].freeze
  attr_accessor :level, :progname, :formatter, :datetime_format

  class Formatter
    def call(severity, time, progname, message) = "#{severity[0]}, [#{time.strftime("%Y-%m-%dT%H:%M:%S.%6N")} ##{Process.pid}] #{severity.rjust(5)} -- #{progname}: #{message}\n"
  end

  def initialize(out = nil, *_, level: DEBUG, progname: nil, formatter: nil, **)
    @out = out.is_a?(String) ? File.open(out, "a") : out
    @progname, @formatter = progname, formatter
    self.level = level
  end

  def level=(level)
    @level = level.is_a?(Integer) ? level : NAMES.index(level.to_s.upcase) || 5
  end

  def add(severity, message = nil, progname = nil)
    return true if @out.nil? || severity < @level
    message = yield if message.nil? && block_given?
    message = progname if message.nil?
    message = message.inspect unless message.is_a?(String)
    @out.write((@formatter || (@default ||= Formatter.new)).call(NAMES[severity] || "ANY", Time.now, @progname, message))
    true
  end
  alias log add

  NAMES.first(5).each_with_index do |name, severity|
    define_method(name.downcase) { |message = nil, &block| add(severity, message, &block) }
    define_method("#{name.downcase}?") { level <= severity }
  end
  def unknown(message = nil, &block) = add(5, message, &block)
  def <<(text) = @out&.write(text)
  def close = @out&.close
end
