# Shellwords, and its methods of strings and arrays.
module Shellwords
  module_function

  def shellsplit(line) = YadoNative.shellsplit(line)
  def shellescape(word) = YadoNative.shellescape(word.to_s)
  def shelljoin(words) = words.map { |word| shellescape(word) }.join(" ")
  class << self
    alias split shellsplit
    alias shellwords shellsplit
    alias escape shellescape
    alias join shelljoin
  end
end

class String
  def shellsplit = Shellwords.shellsplit(self)
  def shellescape = Shellwords.shellescape(self)
end

class Array
  def shelljoin = Shellwords.shelljoin(self)
end
