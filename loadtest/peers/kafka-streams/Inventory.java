import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.apache.kafka.streams.state.Stores;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;

/**
 * The work of `holdfast bench inventory`, done by Kafka Streams: the same lines in the same order on the same
 * partitions, the same decision, exactly once, and the same time measured.
 *
 * <pre>
 *   preload   stock of every SKU, and lines of other SKUs that warm the JVM up: decided and committed;
 *             then the whole load into one open transaction, which hides it from every reader
 *   start     the transaction is committed: the whole load is there at once
 *             |-- measured: until the group's committed offsets have reached the end of the load --|
 *   check     the outcomes are read back (read_committed): each line has one, and it is the right one
 * </pre>
 *
 * What is committed is answered: under exactly_once_v2 the offsets are part of the transaction that wrote the outcomes.
 */
public final class Inventory {
  static final byte STOCK = 1, LINE = 2; // kinds of input
  static final byte GRANTED = 1, REFUSED = 3, EXISTS = 4; // outcomes
  static final int SLOTS = 4096; // Holdfast spreads keys over so many, and partitions own ranges of them
  static final int RECORD_BYTES = 96; // key and value of a line, as large as Holdfast's
  static final byte[] WAREHOUSE = ascii("WH-0");

  public static void main(String[] args) {
    Options options;
    try {
      options = Options.parse(args);
    } catch (IllegalArgumentException e) {
      System.err.println("kafka-streams: " + e.getMessage());
      System.exit(2);
      return; // for the compiler
    }
    Ground ground = new Ground(options);
    CompletableFuture.delayedExecutor(options.timeout.toMillis(), TimeUnit.MILLISECONDS).execute(() -> {
      System.err.println("kafka-streams: not done within " + options.timeout.toSeconds() + " s: " + ground.doing);
      System.exit(1); // the shutdown hook removes the topics
    });
    Runtime.getRuntime().addShutdownHook(new Thread(ground::clean, "clean"));
    int code = 0;
    try {
      System.out.println(measure(options, ground).json());
    } catch (Throwable e) {
      System.err.println("kafka-streams: " + ground.doing + ": " + e);
      code = 1;
    }
    System.exit(code);
  }

  static Result measure(Options o, Ground g) throws Exception {
    g.create();
    g.start();
    try (Loader loader = new Loader(o, g.lines)) {
      g.doing = "deciding stock and the warm-up";
      loader.begin();
      loader.stock();
      loader.warmUp();
      loader.end();
      g.awaitCommitted(loader);
      g.doing = "loading lines";
      loader.begin();
      loader.lines();
      System.gc();

      g.doing = "deciding lines";
      OperatingSystemMXBean machine = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      long cpu = machine.getProcessCpuTime(), begun = System.nanoTime();
      loader.end();
      g.awaitCommitted(loader);
      double seconds = (System.nanoTime() - begun) / 1e9, cpuSeconds = (machine.getProcessCpuTime() - cpu) / 1e9;
      long rss = peakRssMiB();
      g.doing = "reading outcomes back";
      return check(o, g, seconds, cpuSeconds, rss);
    }
  }

  // ---- the decision, as Kafka Streams runs it

  static Topology topology(String lines, String outcomes, LongAdder decided) {
    return new Topology()
        .addSource("lines", new ByteArrayDeserializer(), new ByteArrayDeserializer(), lines)
        .addProcessor("decide", () -> new Decide(decided), "lines")
        // Every hold is written once and the SKU's stock again and again: a cache saves the latter most of its writes,
        // and would only hold the former up.
        .addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("holds"), Serdes.Bytes(), Serdes.ByteArray())
            .withCachingDisabled().withLoggingEnabled(Map.of()), "decide")
        .addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("stock"), Serdes.Bytes(), Serdes.ByteArray())
            .withCachingEnabled().withLoggingEnabled(Map.of()), "decide")
        .addSink("outcomes", outcomes, new ByteArraySerializer(), new ByteArraySerializer(), "decide");
  }

  /** Decides one line: is there a hold of it, is there stock; write hold and stock; say what was decided. */
  static final class Decide implements Processor<byte[], byte[], byte[], byte[]> {
    private final LongAdder decided;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<Bytes, byte[]> holds, stock;

    Decide(LongAdder decided) { this.decided = decided; }

    @Override public void init(ProcessorContext<byte[], byte[]> context) {
      this.context = context;
      holds = context.getStateStore("holds");
      stock = context.getStateStore("stock");
    }

    @Override public void process(Record<byte[], byte[]> in) {
      byte[] value = in.value();
      Bytes sku = Bytes.wrap(in.key());
      byte[] stored = stock.get(sku);
      long available = 0, held = 0, number = 0;
      if (stored != null) {
        ByteBuffer s = ByteBuffer.wrap(stored);
        available = s.getLong();
        held = s.getLong();
        number = s.getLong();
      }
      if (value[0] == STOCK) {
        stock.put(sku, stock(available + ByteBuffer.wrap(value).getLong(1), held, number + 1));
      } else {
        Line line = Line.read(value);
        Bytes holdKey = Bytes.wrap(line.holdKey);
        long before = available;
        byte outcome = EXISTS;
        if (holds.get(holdKey) == null) {
          outcome = REFUSED; // claims nothing, so nothing is written
          if (available >= line.quantity) {
            outcome = GRANTED;
            available -= line.quantity;
            holds.put(holdKey, hold(line, in.timestamp()));
            stock.put(sku, stock(available, held + line.quantity, ++number));
          }
        }
        context.forward(in.withKey(line.order).withValue(outcome(line, outcome, number, before, available)));
      }
      decided.increment();
    }
  }

  // ---- records and state: fixed fields first, then texts behind their length, big endian

  static byte[] stock(long available, long held, long number) {
    return ByteBuffer.allocate(24).putLong(available).putLong(held).putLong(number).array();
  }

  static byte[] hold(Line l, long millis) {
    return text(text(ByteBuffer.allocate(14 + l.sku.length + l.warehouse.length).putInt(l.quantity).putLong(millis), l.sku), l.warehouse).array();
  }

  static byte[] outcome(Line l, byte outcome, long number, long before, long after) {
    ByteBuffer b = ByteBuffer.allocate(36 + l.order.length + l.sku.length + l.cause.length + l.warehouse.length);
    b.put(outcome).putShort(l.number).putInt(l.quantity).putLong(number).putLong(before).putLong(after);
    return text(text(text(text(b, l.order), l.sku), l.cause), l.warehouse).put((byte) 0).array();
  }

  static byte[] lineValue(byte[] order, byte[] sku, int quantity, byte[] cause) {
    ByteBuffer b = ByteBuffer.allocate(Math.max(RECORD_BYTES - sku.length, 13 + order.length + sku.length + cause.length + WAREHOUSE.length));
    b.put(LINE).putShort((short) 1).putInt(quantity).putShort((short) 1);
    return text(text(text(text(b, order), sku), cause), WAREHOUSE).array(); // what is left is as many zeros
  }

  static ByteBuffer text(ByteBuffer b, byte[] text) { return b.put((byte) text.length).put(text); }

  static byte[] text(ByteBuffer b) {
    byte[] text = new byte[b.get()];
    b.get(text);
    return text;
  }

  /** holdKey is the order's key and the line's number behind it. */
  record Line(byte[] order, short number, byte[] holdKey, byte[] sku, int quantity, byte[] cause, byte[] warehouse) {
    static Line read(byte[] value) {
      ByteBuffer b = ByteBuffer.wrap(value, 1, value.length - 1);
      short number = b.getShort();
      int quantity = b.getInt();
      b.getShort(); // the attempt
      byte[] order = text(b);
      byte[] holdKey = Arrays.copyOf(order, order.length + 2);
      holdKey[order.length] = (byte) (number >> 8);
      holdKey[order.length + 1] = (byte) number;
      return new Line(order, number, holdKey, text(b), quantity, text(b), text(b));
    }
  }

  static byte[] ascii(String s) { return s.getBytes(StandardCharsets.US_ASCII); }

  static byte[] skuName(long i) { return digits("SKU-", i, 7); }

  static final String ORDER_PREFIX = "bench/main/O-";

  static byte[] digits(String prefix, long i, int width) {
    byte[] b = Arrays.copyOf(ascii(prefix), prefix.length() + width);
    for (int at = b.length - 1; at >= prefix.length(); at--, i /= 10) b[at] = (byte) ('0' + i % 10);
    return b;
  }

  // ---- the load

  /** Draws the lines that Holdfast draws of the same seed: Go's math/rand/v2, PCG-DXSM with Zipf by rejection-inversion. */
  static final class Draw {
    private static final long MUL_HI = 2549297995355413924L, MUL_LO = 4865540595714422341L;
    private static final long INC_HI = 6364136223846793005L, INC_LO = 1442695040888963407L;
    private long hi, lo;
    private final int skus;
    private final double q, imax, oneMinusQ, oneMinusQInv, hxm, hx0MinusHxm, s;
    int sku, quantity;

    Draw(Options o) {
      hi = lo = 1; // the seed of `holdfast bench`
      skus = o.skus;
      q = o.zipf;
      imax = skus - 1;
      oneMinusQ = 1 - q;
      oneMinusQInv = 1 / oneMinusQ;
      hxm = h(imax + 0.5);
      hx0MinusHxm = h(0.5) - 1 - hxm;
      s = 1 - hinv(h(1.5) - Math.exp(-q * Math.log(2)));
    }

    void next() {
      sku = q == 0 ? (int) below(skus) : (int) zipf();
      quantity = (int) (1 + below(4));
    }

    private double h(double x) { return Math.exp(oneMinusQ * Math.log(1 + x)) * oneMinusQInv; }

    private double hinv(double x) { return Math.exp(oneMinusQInv * Math.log(oneMinusQ * x)) - 1; }

    private long zipf() {
      while (true) {
        double ur = hxm + (bits() & (1L << 53) - 1) * 0x1p-53 * hx0MinusHxm;
        double x = hinv(ur), k = Math.floor(x + 0.5);
        if (k - x <= s || ur >= h(k + 0.5) - Math.exp(-Math.log(k + 1) * q)) return (long) k;
      }
    }

    private long below(long n) {
      if ((n & n - 1) == 0) return bits() & n - 1;
      while (true) {
        long x = bits(), low = x * n;
        if (Long.compareUnsigned(low, Long.remainderUnsigned(-n, n)) >= 0) return unsignedHigh(x, n);
      }
    }

    private long bits() {
      long low = lo * MUL_LO, high = unsignedHigh(lo, MUL_LO) + hi * MUL_LO + lo * MUL_HI;
      lo = low + INC_LO;
      hi = high + INC_HI + (Long.compareUnsigned(lo, low) < 0 ? 1 : 0);
      long b = (hi ^ hi >>> 32) * 0xda942042e4dd58b5L;
      return (b ^ b >>> 48) * (lo | 1);
    }

    private static long unsignedHigh(long x, long y) {
      return Math.multiplyHigh(x, y) + (x >> 63 & y) + (y >> 63 & x);
    }
  }

  /** Writes the load to the topic that is decided from, on the partitions that Holdfast would choose. */
  static final class Loader implements AutoCloseable {
    private final Options o;
    private final String topic;
    private final KafkaProducer<byte[], byte[]> producer;
    private final AtomicReference<Exception> failed = new AtomicReference<>();
    final long[] ends; // by partition: the offset behind the last record
    long sent;

    Loader(Options o, String topic) {
      this.o = o;
      this.topic = topic;
      ends = new long[o.partitions];
      producer = new KafkaProducer<>(Map.of(
          ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, o.brokers,
          ProducerConfig.TRANSACTIONAL_ID_CONFIG, topic + "-load",
          ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, 600_000,
          ProducerConfig.LINGER_MS_CONFIG, 20,
          ProducerConfig.BATCH_SIZE_CONFIG, 256 << 10,
          ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4"), new ByteArraySerializer(), new ByteArraySerializer());
      producer.initTransactions();
    }

    void begin() { producer.beginTransaction(); }

    void end() throws Exception {
      producer.commitTransaction();
      if (failed.get() != null) throw failed.get();
    }

    void stock() {
      for (int i = 0; i < o.skus; i++) add(skuName(i), receive(o.units()));
    }

    /** Lines of SKUs that aren't measured: what has run a hundred thousand times is compiled. */
    void warmUp() {
      int skus = 10_000;
      for (int i = 0; i < skus && i < o.warmUp; i++) add(digits("WRM-", i, 7), receive(1_000_000_000));
      for (int i = 0; i < o.warmUp; i++) line(digits("bench/warm/O-", i, 10), digits("WRM-", i % skus, 7), 1, i);
    }

    void lines() {
      Draw draw = new Draw(o);
      for (int i = 0; i < o.lines; i++) {
        draw.next();
        line(digits(ORDER_PREFIX, i, 10), skuName(draw.sku), draw.quantity, i);
      }
      producer.flush();
    }

    private void line(byte[] order, byte[] sku, int quantity, int i) {
      add(sku, lineValue(order, sku, quantity, ascii("e-" + i)));
    }

    private static byte[] receive(long units) { return ByteBuffer.allocate(9).put(STOCK).putLong(units).array(); }

    private void add(byte[] sku, byte[] value) {
      int partition = (Utils.murmur2(sku) & SLOTS - 1) * o.partitions / SLOTS;
      sent++;
      producer.send(new ProducerRecord<>(topic, partition, sku, value), (at, e) -> {
        if (e != null) failed.compareAndSet(null, e);
        else ends[partition] = at.offset() + 1; // in the producer's one thread, read after a flush
      });
    }

    @Override public void close() { producer.close(Duration.ofSeconds(5)); }
  }

  // ---- what is measured on: topics and a directory of its own, removed at the end

  static final class Ground {
    final String application = "holdfast-peer-kafka-streams-" + Long.toString(System.currentTimeMillis(), 36) + "-" + ProcessHandle.current().pid();
    final String lines = application + "-lines", outcomes = application + "-outcomes";
    private final LongAdder decided = new LongAdder();
    private final AtomicReference<Throwable> failed = new AtomicReference<>();
    private final Options o;
    private Admin admin;
    private Path stateDir;
    private KafkaStreams streams;
    volatile String doing = "creating topics";

    Ground(Options o) { this.o = o; }

    synchronized void create() throws Exception {
      admin = Admin.create(Map.of("bootstrap.servers", o.brokers, "default.api.timeout.ms", 30_000));
      admin.createTopics(Stream.of(lines, outcomes).map(t -> new NewTopic(t, o.partitions, (short) 1)).toList()).all().get(30, TimeUnit.SECONDS);
      stateDir = Files.createTempDirectory("holdfast-peer-");
    }

    void start() throws Exception {
      doing = "starting Kafka Streams";
      CountDownLatch running = new CountDownLatch(1);
      synchronized (this) {
        streams = new KafkaStreams(topology(lines, outcomes, decided), settings(application, o.brokers, stateDir, o.workers, o.commitMillis));
        streams.setUncaughtExceptionHandler(e -> {
          failed.compareAndSet(null, e);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, was) -> {
          if (now == KafkaStreams.State.RUNNING) running.countDown();
        });
        streams.start();
      }
      while (running.getCount() > 0) pause();
    }

    /** Until all that was sent is decided, and the offsets of that are committed. The broker isn't asked before. */
    void awaitCommitted(Loader l) throws Exception {
      while (decided.sum() < l.sent) pause();
      while (true) {
        Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(application).partitionsToOffsetAndMetadata().get(30, TimeUnit.SECONDS);
        if (IntStream.range(0, l.ends.length).allMatch(p -> {
          OffsetAndMetadata at = committed.get(new TopicPartition(lines, p));
          return l.ends[p] == 0 || at != null && at.offset() >= l.ends[p];
        })) return;
        pause();
      }
    }

    private void pause() {
      if (failed.get() != null) throw new IllegalStateException("Kafka Streams stopped", failed.get());
      LockSupport.parkNanos(5_000_000);
    }

    /** Runs once, in the shutdown hook: at the end, at a signal and at the timeout. */
    synchronized void clean() {
      if (admin == null) return;
      try (Admin a = admin) {
        if (streams != null) streams.close(CloseOptions.timeout(Duration.ofSeconds(20)).withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
        List<String> ours = a.listTopics().names().get(10, TimeUnit.SECONDS).stream().filter(t -> t.startsWith(application)).toList();
        a.deleteTopics(ours).all().get(20, TimeUnit.SECONDS);
        if (streams != null) a.deleteConsumerGroups(List.of(application)).all().get(10, TimeUnit.SECONDS);
      } catch (Exception e) {
        System.err.println("kafka-streams: topics " + application + "*: " + e);
      }
      if (stateDir == null) return;
      try (Stream<Path> all = Files.walk(stateDir)) {
        for (Path p : all.sorted(Comparator.reverseOrder()).toList()) Files.delete(p);
      } catch (Exception e) {
        System.err.println("kafka-streams: " + stateDir + ": " + e);
      }
    }
  }

  /** Tuned as its guides advise; README.md says what was tried. */
  static Properties settings(String application, String brokers, Path stateDir, int threads, int commitMillis) {
    Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, commitMillis);
    p.put(StreamsConfig.STATE_DIR_CONFIG, stateDir.toString());
    p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20); // all SKUs' stock stays in it
    p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 20_000);
    p.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Tuning.class);
    p.put(StreamsConfig.ENABLE_METRICS_PUSH_CONFIG, false);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 20_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.RECEIVE_BUFFER_CONFIG), 1 << 20);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 50);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L << 20);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    p.put(StreamsConfig.producerPrefix(ProducerConfig.SEND_BUFFER_CONFIG), 1 << 20);
    return p;
  }

  /** RocksDB as Kafka's memory guide has it: one block cache for all stores, with their indexes and filters in it. */
  public static final class Tuning implements RocksDBConfigSetter {
    private static final Cache CACHE = new LRUCache(128L << 20);
    private static final BloomFilter FILTER = new BloomFilter(10, false);

    @Override public void setConfig(String store, org.rocksdb.Options options, Map<String, Object> configs) {
      BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
      table.setBlockCache(CACHE).setFilterPolicy(FILTER); // most lookups of holds find none: the filter answers them
      table.setCacheIndexAndFilterBlocks(true).setCacheIndexAndFilterBlocksWithHighPriority(true).setPinTopLevelIndexAndFilter(true);
      table.setBlockSize(16 << 10);
      options.setTableFormatConfig(table);
      options.setWriteBufferSize(16 << 20).setMaxWriteBufferNumber(3);
    }

    @Override public void close(String store, org.rocksdb.Options options) {} // cache and filter are shared
  }

  // ---- the check

  /** Every line has one outcome, the one that deciding in order gives, and from the stock that there was then. */
  static Result check(Options o, Ground g, double seconds, double cpuSeconds, long rss) {
    boolean[] granted = new boolean[o.lines];
    long[] before = new long[o.lines];
    long[] left = new long[o.skus];
    Arrays.fill(left, o.units());
    Draw draw = new Draw(o);
    long accepted = 0;
    for (int i = 0; i < o.lines; i++) {
      draw.next();
      before[i] = left[draw.sku];
      granted[i] = left[draw.sku] >= draw.quantity;
      if (granted[i]) {
        left[draw.sku] -= draw.quantity;
        accepted++;
      }
    }
    BitSet seen = new BitSet(o.lines);
    long read = 0;
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(Map.of(
        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, o.brokers,
        ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
        ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 20_000), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> all = IntStream.range(0, o.partitions).mapToObj(p -> new TopicPartition(g.outcomes, p)).toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      Map<TopicPartition, Long> ends = consumer.endOffsets(all);
      while (all.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofSeconds(1))) {
          String order = new String(r.key(), StandardCharsets.US_ASCII);
          if (!order.startsWith(ORDER_PREFIX)) continue; // the warm-up's
          int i = Integer.parseInt(order.substring(ORDER_PREFIX.length()));
          ByteBuffer b = ByteBuffer.wrap(r.value());
          byte outcome = b.get();
          b.getShort();
          int quantity = b.getInt();
          b.getLong();
          long stockBefore = b.getLong(), stockAfter = b.getLong();
          if (seen.get(i)) throw new IllegalStateException(order + " was decided twice");
          seen.set(i);
          read++;
          if (outcome != (granted[i] ? GRANTED : REFUSED) || stockBefore != before[i] || stockAfter != before[i] - (granted[i] ? quantity : 0))
            throw new IllegalStateException(order + ": outcome " + outcome + ", stock " + stockBefore + " to " + stockAfter + ", of " + before[i]);
        }
      }
    }
    if (read != o.lines) throw new IllegalStateException("outcomes of " + read + " lines of " + o.lines);
    return new Result(o.lines, seconds, cpuSeconds, rss, accepted, o.lines - accepted);
  }

  static long peakRssMiB() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status")))
      if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("[^0-9]", "")) >> 10;
    throw new IllegalStateException("/proc/self/status has no VmHWM");
  }

  record Result(long records, double seconds, double cpuSeconds, long rssMiB, long accepted, long rejected) {
    String json() {
      return String.format(Locale.ROOT, "{\"bench\":\"inventory\",\"records\":%d,\"seconds\":%.6f,\"per_second\":%.3f,\"cpu_seconds\":%.6f,"
          + "\"per_core_second\":%.3f,\"rss_mib\":%d,\"accepted\":%d,\"rejected\":%d}",
          records, seconds, records / seconds, cpuSeconds, records / cpuSeconds, rssMiB, accepted, rejected);
    }
  }

  /** The flags of `holdfast bench inventory` that say what is to be done, and with its defaults. */
  record Options(String brokers, int lines, int skus, double zipf, int partitions, int workers, long stock, boolean acceptAll,
      int commitMillis, int warmUp, Duration timeout) {
    static Options parse(String[] args) {
      Map<String, String> given = new HashMap<>(Map.of("brokers", "127.0.0.1:9092", "lines", "1000000", "skus", "100000", "zipf", "1.1",
          "partitions", "8", "workers", "2", "stock", "1000", "accept-all", "false"));
      given.putAll(Map.of("commit-interval", "100ms", "warm-up", "400000", "timeout", "5m", "output", "json"));
      for (int i = 0; i < args.length; i++) {
        String[] flag = args[i].split("=", 2);
        String name = flag[0].startsWith("--") ? flag[0].substring(2) : "";
        if (!given.containsKey(name)) throw new IllegalArgumentException(args[i] + ": no such flag");
        if (flag.length == 1 && !name.equals("accept-all") && i + 1 == args.length) throw new IllegalArgumentException(args[i] + ": no value");
        given.put(name, flag.length == 2 ? flag[1] : name.equals("accept-all") ? "true" : args[++i]);
      }
      List<String> wrong = new ArrayList<>();
      Options o = new Options(given.get("brokers"), number(given, "lines", 1, 50_000_000, wrong), number(given, "skus", 1, 10_000_000, wrong),
          skew(given.get("zipf"), wrong), number(given, "partitions", 1, SLOTS, wrong), number(given, "workers", 1, 64, wrong),
          number(given, "stock", 1, 1_000_000_000, wrong), given.get("accept-all").equals("true"),
          (int) duration(given, "commit-interval", wrong).toMillis(), number(given, "warm-up", 0, 10_000_000, wrong), duration(given, "timeout", wrong));
      if (!given.get("output").equals("json")) wrong.add("--output " + given.get("output") + ": there is json alone");
      if (!wrong.isEmpty()) throw new IllegalArgumentException(String.join("\n", wrong));
      return o;
    }

    long units() { return acceptAll ? 1_000_000_000 : stock; }

    private static int number(Map<String, String> given, String name, int min, int max, List<String> wrong) {
      String s = given.get(name);
      int n = s.matches("[0-9]{1,9}|10{9}") ? Integer.parseInt(s) : -1;
      if (n < min || n > max) wrong.add("--" + name + " " + s + ": must be " + min + " to " + max);
      return n;
    }

    private static double skew(String s, List<String> wrong) {
      double z = s.matches("[0-9]{1,4}(\\.[0-9]{1,6})?") ? Double.parseDouble(s) : -1;
      if (z != 0 && z <= 1) wrong.add("--zipf " + s + ": must be above 1, or 0 for uniform");
      return z;
    }

    private static Duration duration(Map<String, String> given, String name, List<String> wrong) {
      String s = given.get(name);
      if (!s.matches("[1-9][0-9]{0,5}(ms|s|m)")) {
        wrong.add("--" + name + " " + s + ": must be like 500ms, 90s or 5m");
        return Duration.ZERO;
      }
      long n = Long.parseLong(s.replaceAll("[a-z]", ""));
      return s.endsWith("ms") ? Duration.ofMillis(n) : s.endsWith("s") ? Duration.ofSeconds(n) : Duration.ofMinutes(n);
    }
  }
}
