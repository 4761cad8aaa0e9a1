# Programs and their output: Open3 and IO.popen. A program runs to its end before anything of it is seen.
module Open3
  module_function

  def capture3(*command, **options) = YadoNative.run(*command, **options)
  def capture2(*command, **options) = YadoNative.run(*command, **options).values_at(0, 2)
  def capture2e(*command, **options) = YadoNative.run(*command, **options).then { |out, err, status| [out + err, status] }
  def popen3(*command, **options)
    out, err, status = YadoNative.run(*command, **options)
    waiter = Struct.new(:value, :pid).new(status, 1)
    streams = [StringIO.new, StringIO.new(out), StringIO.new(err), waiter]
    block_given? ? yield(*streams) : streams
  end
  def popen2e(*command, **options)
    out, err, status = YadoNative.run(*command, **options)
    waiter = Struct.new(:value, :pid).new(status, 1)
    streams = [StringIO.new, StringIO.new(out + err), waiter]
    block_given? ? yield(*streams) : streams
  end
  def popen2(*command, **options, &block) = popen2e(*command, **options, &block)
end

class IO
  # A program that is written to first: it runs once it is read from, or when it is closed.
  class Conversation
    def initialize(command, options)
      @command, @options, @said = command, options, +""
    end

    def write(*texts) = texts.sum { |text| @said << text.to_s; text.to_s.bytesize }
    def print(*texts) = texts.each { |text| write(text) }.then { nil }
    def <<(text) = write(text).then { self }
    def puts(*lines) = lines.flatten.each { |line| write(line.to_s.chomp, "\n") }.then { nil }
    def read(...) = answer.read(...)
    def gets(...) = answer.gets(...)
    def readlines(...) = answer.readlines(...)
    def each_line(...) = answer.each_line(...)
    def close_write = answer && nil
    def close = close_write
    def closed? = !@answer.nil?
    def sync=(flag); end
    def flush = self

    private

    def answer
      @answer ||= StringIO.new(YadoNative.run(*@command, stdin_data: @said, **@options).first)
    end
  end
  private_constant :Conversation

  def self.popen(*words, **options)
    environment = words.first.is_a?(Hash) ? [words.shift] : []
    command, mode = [*environment, *Array(words.first)], words[1].to_s
    talks = mode.start_with?("w") || mode.include?("+")
    stream = talks ? Conversation.new(command, options) : StringIO.new(YadoNative.run(*command, **options).first)
    return stream unless block_given?
    result = yield(stream)
    stream.close if talks
    result
  end
  def self.console = nil
  def self.pipe = raise(NotImplementedError, "pipes are not supported here")
end
