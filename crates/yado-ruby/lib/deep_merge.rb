# The gem `deep_merge`, which Vagrant's own packages bring along.
module DeepMerge
  class InvalidParameter < StandardError; end
  DEFAULT_FIELD_KNOCKOUT_PREFIX = "--"

  # Merges `source` into `dest`: hashes key by key, arrays by what the other lacks. What cannot be merged is taken from
  # `source`, unless it is to be preserved.
  def self.deep_merge!(source, dest, options = {})
    preserve = options[:preserve_unmergeables] || false
    return dest if source.nil? && !options[:merge_nil_values]
    return source if dest.nil?
    case source
    when Hash
      return preserve ? dest : source unless dest.is_a?(Hash)
      source.each do |key, value|
        dest[key] = dest.key?(key) && !dest[key].nil? ? deep_merge!(value, dest[key], options) : value
      end
      dest
    when Array
      return preserve ? dest : source unless dest.is_a?(Array)
      return dest.replace(source.dup) if options[:overwrite_arrays]
      merged = dest | source
      merged = merged.sort if options[:sort_merged_arrays]
      dest.replace(merged)
    else
      preserve ? dest : source
    end
  end
end

class Hash
  def deep_merge!(source, options = {})
    DeepMerge.deep_merge!(source, self, { preserve_unmergeables: false }.merge(options))
  end

  def deep_merge(source, options = {})
    Marshal.load(Marshal.dump(self)).tap { |copy| DeepMerge.deep_merge!(source, copy, { preserve_unmergeables: true }.merge(options)) }
  end
end
