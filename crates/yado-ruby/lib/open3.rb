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
  def self.popen(*command, **options)
    command = command.first.is_a?(Hash) ? [command[0], *Array(command[1])] : Array(command.first)
    stream = StringIO.new(YadoNative.run(*command, **options).first)
    block_given? ? yield(stream) : stream
  end
  def self.console = nil
  def self.pipe = raise(NotImplementedError, "pipes are not supported here")
end
