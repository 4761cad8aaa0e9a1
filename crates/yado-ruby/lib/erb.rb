# ERB: templates, compiled to Ruby by Rust.
class ERB
  VERSION = "2.2.3"
  attr_reader :src
  attr_accessor :filename, :lineno

  def initialize(template, *_, trim_mode: nil, eoutvar: "_erbout")
    trim_mode ||= _[1]
    @src = YadoNative.erb(template, trim_mode.to_s, eoutvar)
    @filename = "(erb)"
    @lineno = 1
  end

  def result(binding = TOPLEVEL_BINDING) = eval(@src, binding, @filename, @lineno)
  def result_with_hash(hash)
    scope = Object.new.instance_eval { binding }
    hash.each { |name, value| scope.local_variable_set(name, value) }
    result(scope)
  end
  def run(binding = TOPLEVEL_BINDING) = print(result(binding))
  def location=(place)
    @filename, @lineno = place
  end

  module Util
    module_function

    def html_escape(text) = text.to_s.gsub(/[&<>"']/, "&" => "&amp;", "<" => "&lt;", ">" => "&gt;", '"' => "&quot;", "'" => "&#39;")
    def url_encode(text) = text.to_s.gsub(/[^a-zA-Z0-9_\-.~]/) { |letter| letter.bytes.map { |byte| format("%%%02X", byte) }.join }
    class << self
      alias h html_escape
      alias u url_encode
    end
  end
end
