# Escaping for the web.
class CGI
  ENTITIES = { "'" => "&#39;", "&" => "&amp;", '"' => "&quot;", "<" => "&lt;", ">" => "&gt;" }.freeze
  private_constant :ENTITIES

  module Escape; end

  module Util
    include Escape

    def escape(text)
      text.to_s.gsub(/[^a-zA-Z0-9_.\-~ ]/) { |found| found.bytes.map { |byte| format("%%%02X", byte) }.join }.tr(" ", "+")
    end

    def unescape(text, _encoding = nil)
      text.to_s.tr("+", " ").gsub(/(?:%[0-9a-fA-F]{2})+/) { |found| [found.delete("%")].pack("H*").force_encoding("UTF-8") }
    end

    def escapeURIComponent(text); escape(text).gsub("+", "%20"); end

    def escapeHTML(text)
      text.to_s.gsub(/['&"<>]/) { |found| ENTITIES[found] }
    end

    def unescapeHTML(text)
      text.to_s.gsub(/&(?:(apos|amp|quot|gt|lt)|#([0-9]+)|#[xX]([0-9A-Fa-f]+));/) do
        if $1
          { "apos" => "'", "amp" => "&", "quot" => '"', "gt" => ">", "lt" => "<" }[$1]
        else
          [$2 ? $2.to_i : $3.hex].pack("U")
        end
      end
    end

    alias escape_html escapeHTML
    alias unescape_html unescapeHTML
    alias h escapeHTML
  end

  include Util
  extend Util
end
